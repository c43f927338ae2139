"""The smallest valid contracts, to change one thing of."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def segment_data() -> dict[str, Any]:
    return {"stream_id": "s1", "segment_id": "0001", "starts_at": "2026-06-01T12:00:00Z", "region": "SG"}


@pytest.fixture
def rule_data() -> dict[str, Any]:
    return {
        "rule_id": "FRAUD-2.1",
        "title": "Impersonation",
        "category": "fraud_scam",
        "severity": "high",
        "text": "Nobody may pose as somebody else.",
        "breaks": ["I am from the bank", "Official account here"],
        "allowed": ["I play a banker in this sketch", "My bank called me"],
        "ladder": {"host": ["warn", "end_stream"], "viewer": ["remove_message"]},
        "notice": "Please do not pose as somebody else.",
        "layers": [{"jurisdiction": "global", "effect": "base", "document": "global/fraud.md", "line": 12, "effective_from": "2026-01-01"}],
    }


@pytest.fixture
def verdict_data() -> dict[str, Any]:
    return {
        "verdict_id": "v1",
        "stream_id": "s1",
        "segment_id": "0001",
        "decided_at": "2026-06-01T12:00:21Z",
        "decision": "allow",
        "stream_decision": "allow",
        "rulings": [{"jurisdiction": "SG", "decision": "allow", "stream_decision": "allow"}],
        "provenance": {"judge": "embedded-heads"},
    }


@pytest.fixture
def finding_data() -> dict[str, Any]:
    return {
        "rule_id": "FRAUD-2.1",
        "rule_title": "Impersonation",
        "category": "fraud_scam",
        "severity": "high",
        "subject": {"kind": "host"},
        "jurisdictions": ["SG"],
        "decision": "violation",
        "confidence": 0.9,
        "rationale": "The host says that they call from a bank.",
        "evidence": [{"modality": "speech", "item_id": "u1", "at_s": 3, "quote": "I am from the bank"}],
    }
