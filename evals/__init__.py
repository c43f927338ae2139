"""Measurements of the agent."""

if __name__ == "evals":
    raise ImportError("import livesteward.evals, not evals: the folder installs under that name")
