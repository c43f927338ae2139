"""Names of runs that follow from what is run, so that the same command finds its stopped run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from livesteward.evals.outcomes import Fingerprint


def combined_digest(parts: Mapping[str, str]) -> str:
    """SHA-256 over named digests, whatever their order."""
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def run_name(label: Sequence[str], entries: Mapping[str, str], found: Fingerprint, *, trials: int, probed: bool) -> str:
    """Return a readable label with eight digits of everything that the run depends on, such as ``golden-3f2a9c1b``."""
    digest = combined_digest(
        {
            "entries": combined_digest(entries),
            "fingerprint": hashlib.sha256(found.model_dump_json().encode()).hexdigest(),
            "trials": str(trials),
            "probed": str(probed),
        }
    )
    return "-".join([*label, digest[:8]])
