"""Versioned prompts and the registry that loads, renders and checks them."""

if __name__ == "prompts":
    raise ImportError("import livesteward.prompts, not prompts: the folder installs under that name")
