"""From a model's name to its profile."""

from __future__ import annotations

import re
from typing import Final

from livesteward.errors import ConfigurationError
from livesteward.models.profiles.families import FAMILIES
from livesteward.models.profiles.guard_families import GUARDS
from livesteward.models.profiles.profile import PLAIN, Profile

AUTO: Final = "auto"
"""What ``model.profile`` says where the name decides."""

PROFILES: Final[dict[str, Profile]] = {profile.name: profile for profile in (PLAIN, *FAMILIES, *GUARDS)}
"""Every profile by its name."""

UNNAMED_GUARD: Final = "is a guard model with a format of its own; set model.name to it (or model.profile), to be asked in that format"
"""What is wrong with a guard of which nobody told before it was met."""


def profile_for(setting: str, name: str = "") -> Profile:
    """Return the profile that ``model.profile`` asks for, or with ``auto`` that of the model's name.

    A name counts by its last part, whatever its case: ``Qwen/Qwen3-VL-8B-Instruct`` and ``/models/qwen3-vl-8b`` are both Qwen3-VL. A name
    that begins otherwise than a family's, such as that of an adapter, gets the plain profile.

    Raises:
        ConfigurationError: If there is no such profile; lists those that there are.
    """
    if setting != AUTO:
        if setting not in PROFILES:
            raise ConfigurationError(f"model.profile: there is no profile {setting!r}; there are {', '.join((AUTO, *PROFILES))}")
        return PROFILES[setting]
    last = name.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((profile for profile in PROFILES.values() if profile.pattern and re.match(profile.pattern, last)), PLAIN)
