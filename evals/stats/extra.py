"""Whether the libraries that do the mathematics are installed."""

from __future__ import annotations

from importlib.util import find_spec

from livesteward.errors import ConfigurationError


def require_statistics() -> None:
    """Make sure of scipy and statsmodels before anything is judged, not after.

    Raises:
        ConfigurationError: If one is missing; says what to install.
    """
    missing = [name for name in ("scipy", "statsmodels") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"figures need {' and '.join(missing)}: pip install 'livesteward[eval]'")
