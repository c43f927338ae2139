"""Staging golden cases: drawing the pictures and speaking the sound that they describe."""

from livesteward.evals.staging.checking import check_media
from livesteward.evals.staging.stage import Progress, Staged, stage

__all__ = ["Progress", "Staged", "check_media", "stage"]
