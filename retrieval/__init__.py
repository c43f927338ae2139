"""Rulebooks and the search that finds the rules that matter."""

if __name__ == "retrieval":
    raise ImportError("import livesteward.retrieval, not retrieval: the folder installs under that name")
