"""The wiring of the agent, and nothing else: which step follows which."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from livesteward.agents import flow
from livesteward.agents.state import GraphState
from livesteward.agents.steps import guarded
from livesteward.agents.tools import Tools

Agent = CompiledStateGraph[GraphState, Tools, GraphState, GraphState]


def build_graph(*, checkpointer: BaseCheckpointSaver[Any] | None = None, human_review: bool = False) -> Agent:
    """Return the compiled graph.

    Args:
        checkpointer: Where pending reviews are kept; needed with ``human_review``.
        human_review: Whether a verdict of ``review`` waits for a person.
    """
    graph = StateGraph(GraphState, context_schema=Tools)
    for name, step in flow.STEPS.items():
        graph.add_node(name, guarded(name, step, otherwise=flow.undecided if name == "decide" else None))
    graph.add_edge(START, "ingest")
    graph.add_edge("ingest", "perceive")
    graph.add_edge("perceive", "screen")
    graph.add_conditional_edges("screen", flow.after_screen, {"clear": "decide", "suspicious": "retrieve", "failed": "decide"})
    graph.add_conditional_edges("retrieve", flow.after_retrieve, {"found": "judge", "failed": "decide"})
    graph.add_conditional_edges("judge", flow.after_judge, {"judged": "verify", "asks": "inquire", "failed": "decide"})
    graph.add_conditional_edges("inquire", flow.after_inquire, {"answered": "judge", "failed": "decide"})
    graph.add_edge("verify", "decide")
    if human_review:
        graph.add_node("review", flow.review)
        graph.add_conditional_edges("decide", flow.after_decide, {"review": "review", "done": END})
        graph.add_edge("review", END)
    else:
        graph.add_edge("decide", END)
    return graph.compile(checkpointer=checkpointer, name="livesteward")
