"""The settings of ``decide``: a commented TOML file that a policy specialist edits."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from livesteward.contracts import GLOBAL, GROUPS, Category
from livesteward.contracts.base import Jurisdiction, Probability
from livesteward.errors import ConfigurationError, InputError
from livesteward.retrieval.consistency import lineage


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(_Table):
    """Where a finding stands, and where a person looks."""

    violation: Probability = 0.75
    review: Probability = 0.40

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.review > self.violation:
            raise ValueError(f"review ({self.review}) must not be above violation ({self.violation})")
        return self


class PartialBand(_Table):
    """What a category or jurisdiction changes of the default band."""

    violation: Probability | None = None
    review: Probability | None = None


class ScreenThresholds(_Table):
    """When the first tier lets a segment go."""

    floor: Literal["trained"] | Probability = "trained"
    nudity: Probability = 0.60
    clear_with_frames: bool = False


class VerifyThresholds(_Table):
    """What a claim must stand up to."""

    second_opinion: Probability = 0.20
    injection: Probability = 0.80
    allow_certainty: Probability = 0.60


class MemoryThresholds(_Table):
    """How a stream's past counts."""

    debounce_s: Annotated[float, Field(ge=0)] = 60


class Thresholds(_Table):
    """All thresholds; ``digest`` identifies the file that they came from."""

    default: Band = Band()
    category: dict[Category, PartialBand] = {}
    jurisdiction: dict[Jurisdiction, dict[Category, PartialBand]] = {}
    screen: ScreenThresholds = ScreenThresholds()
    verify: VerifyThresholds = VerifyThresholds()
    memory: MemoryThresholds = MemoryThresholds()
    digest: str = ""

    def band(self, category: Category, jurisdiction: str) -> Band:
        """Return the band that holds for ``category`` in ``jurisdiction``, nearest wins: a country's, its groups', the category's."""
        values = self.default.model_dump()
        wider = (self.jurisdiction.get(name, {}).get(category) for name in lineage(jurisdiction))
        for layer in (self.category.get(category), *wider):
            if layer is not None:
                values.update(layer.model_dump(exclude_none=True))
        return Band(**values)

    def lowest_review(self, category: Category, jurisdictions: tuple[str, ...]) -> float:
        """Return the lowest probability at which any of ``jurisdictions`` would have a person look."""
        return min(self.band(category, jurisdiction).review for jurisdiction in jurisdictions)

    @model_validator(mode="after")
    def _every_band_is_ordered(self) -> Self:
        members = {country for name in self.jurisdiction for country in GROUPS.get(name, ())}
        for jurisdiction in (GLOBAL, *self.jurisdiction, *sorted(members - set(self.jurisdiction))):
            for category in Category:
                try:
                    self.band(category, jurisdiction)
                except ValidationError as error:
                    table = f"category.{category}" if jurisdiction == GLOBAL else f"jurisdiction.{jurisdiction}.{category}"
                    why = error.errors()[0]["msg"].removeprefix("Value error, ")
                    raise ValueError(f"{table}: {why}, together with what it takes over from wider tables") from error
        return self


def load_thresholds(path: Path) -> Thresholds:
    """Read thresholds.

    Raises:
        ConfigurationError: If the file is missing, no TOML, or holds a wrong value; names file and field.
    """
    try:
        raw = path.read_bytes()
        values = tomllib.loads(raw.decode("utf-8"))
        values["digest"] = hashlib.sha256(raw).hexdigest()
        return Thresholds.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(str(InputError.from_validation(error, source=str(path)))) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
