"""What every contract shares: frozen models, closed enumerations and the small typed strings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import pycountry
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = 1

GLOBAL: Final = "global"
"""The jurisdiction of the base rulebook, which holds everywhere unless an overlay says otherwise."""

GROUPS: Final[dict[str, frozenset[str]]] = {
    "EU": frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()),
    "GCC": frozenset("AE BH KW OM QA SA".split()),
    "ASEAN": frozenset("BN ID KH LA MM MY PH SG TH TL VN".split()),
}
"""Groups of countries that share overlays, with their members as ISO 3166-1 alpha-2 codes (2026)."""


class Contract(BaseModel):
    """Root of all contracts: immutable, and an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", str_max_length=20_000)


class Category(StrEnum):
    """The ten harms that rules are about."""

    HATE_HARASSMENT = "hate_harassment"
    SEXUAL_CONTENT = "sexual_content"
    VIOLENCE_THREATS = "violence_threats"
    SELF_HARM = "self_harm"
    FRAUD_SCAM = "fraud_scam"
    MINOR_SAFETY = "minor_safety"
    DANGEROUS_ACTS = "dangerous_acts"
    REGULATED_GOODS = "regulated_goods"
    SPAM_INAUTHENTIC = "spam_inauthentic"
    PRIVACY_DOXXING = "privacy_doxxing"


class Severity(StrEnum):
    """How bad a broken rule is, mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical, for comparisons."""
        return list(Severity).index(self)


class Decision(StrEnum):
    """What a verdict says. Anything that could not be judged is a ``review``, never an ``allow``."""

    ALLOW = "allow"
    REVIEW = "review"
    VIOLATION = "violation"

    @property
    def rank(self) -> int:
        """0 for allow, 1 for review, 2 for violation: the worst of several decisions is the largest."""
        return list(Decision).index(self)


class SubjectKind(StrEnum):
    """Whose conduct a finding is about."""

    HOST = "host"
    GUEST = "guest"
    VIEWER = "viewer"


class Modality(StrEnum):
    """Where in a segment something was seen, heard or read."""

    SPEECH = "speech"
    CHAT = "chat"
    OVERLAY = "overlay"
    FRAME = "frame"
    TITLE = "title"
    GIFT = "gift"


class ActionKind(StrEnum):
    """What is done. The stream's actions come first, then the viewers', then those for anyone."""

    NONE = "none"
    EDUCATE = "educate"
    WARN = "warn"
    LIMIT_REACH = "limit_reach"
    AGE_RESTRICT = "age_restrict"
    PAUSE_STREAM = "pause_stream"
    END_STREAM = "end_stream"
    REMOVE_MESSAGE = "remove_message"
    MUTE_VIEWER = "mute_viewer"
    BAN_VIEWER = "ban_viewer"
    SUPPORT = "support"
    ESCALATE = "escalate"

    @property
    def rank(self) -> int:
        """The order of the list: the strictest of several actions on one subject is the largest."""
        return list(ActionKind).index(self)


STREAM_ACTIONS: Final = frozenset(
    {
        ActionKind.NONE,
        ActionKind.EDUCATE,
        ActionKind.WARN,
        ActionKind.LIMIT_REACH,
        ActionKind.AGE_RESTRICT,
        ActionKind.PAUSE_STREAM,
        ActionKind.END_STREAM,
        ActionKind.SUPPORT,
        ActionKind.ESCALATE,
    }
)
"""Actions that can be taken on the host's stream (``host`` and ``guest`` subjects)."""

VIEWER_ACTIONS: Final = frozenset(
    {
        ActionKind.NONE,
        ActionKind.REMOVE_MESSAGE,
        ActionKind.MUTE_VIEWER,
        ActionKind.BAN_VIEWER,
        ActionKind.SUPPORT,
        ActionKind.ESCALATE,
    }
)
"""Actions that can be taken on a viewer."""

_COUNTRIES: Final = frozenset(country.alpha_2 for country in pycountry.countries)
_BCP47 = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}"  # language, and what extends it, as in zh-yue
    r"(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"  # script, region
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[xX](-[A-Za-z0-9]{1,8})+)?"  # extensions, private use
)
"""RFC 5646, section 2.1, without the tags that it keeps for old times' sake."""
_LONGEST_TAG: Final = 64
_OFTEN_MEANT: Final = {"UK": "GB", "EL": "GR"}
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200


def check_region(value: str) -> str:
    """Return ``value`` if it is an assigned ISO 3166-1 alpha-2 code, in capitals.

    Raises:
        ValueError: If it is not; the message proposes the code that was probably meant.
    """
    if value in _COUNTRIES:
        return value
    meant = _OFTEN_MEANT.get(value.upper(), value.upper())
    hint = f"; did you mean {meant!r}?" if meant in _COUNTRIES else ", such as 'SG' or 'DE'"
    raise ValueError(f"{value!r} is not an ISO 3166-1 alpha-2 country code{hint}")


def check_jurisdiction(value: str) -> str:
    """Return ``value`` if it is ``global``, a group of :data:`GROUPS` or a country code.

    Raises:
        ValueError: If it is none of these.
    """
    return value if value == GLOBAL or value in GROUPS else check_region(value)


def _check_language(value: str) -> str:
    if len(value) <= _LONGEST_TAG and _BCP47.fullmatch(value):
        return value
    dashed = value.replace("_", "-")
    hint = f"; did you mean {dashed!r}?" if dashed != value and _BCP47.fullmatch(dashed) else ", such as 'en', 'pt-BR' or 'zh-Hant'"
    raise ValueError(f"{value[:_LONGEST_TAG]!r} is not a BCP 47 language tag{hint}")


def _to_utc(value: datetime) -> datetime:
    # Near the ends of what datetime can hold, a change of zone or a sum with a duration overflows.
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"the year {value.year} is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC)


Region = Annotated[str, AfterValidator(check_region)]
"""A country as ISO 3166-1 alpha-2."""

Jurisdiction = Annotated[str, AfterValidator(check_jurisdiction)]
"""``global``, a group of countries, or a country."""

Language = Annotated[str, AfterValidator(_check_language)]
"""A BCP 47 language tag."""

UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment; a naive time is refused and any zone is converted to UTC."""

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]
"""An id that the platform gives: opaque, of one line without control characters, at most 128 characters."""

Seconds = Annotated[float, Field(ge=0, le=86_400 * 7)]
"""A time or a length in seconds."""

Probability = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{2,8}(-[A-Z]{2,5})?-[0-9]{1,2}(\.[0-9]{1,2})?$")]
"""The id of a rule: ``FRAUD-2.1`` in the global base, ``GOODS-SG-1`` where an overlay adds one."""
