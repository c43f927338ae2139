"""The moderation agent: a LangGraph graph from segment to verdict."""

if __name__ == "agents":
    raise ImportError("import livesteward.agents, not agents: the folder installs under that name")
