"""Without the extra, an evaluation says what to install before it judges anything."""

import importlib.util

import pytest

from livesteward.errors import ConfigurationError
from livesteward.evals.stats import extra


def test_what_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    extra.require_statistics()
    found = importlib.util.find_spec
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "statsmodels" else found(name))
    with pytest.raises(ConfigurationError, match=r"statsmodels: pip install 'livesteward\[eval\]'"):
        extra.require_statistics()
