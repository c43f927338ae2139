"""What can be wrong with rule documents: one problem as a value, so that a check can report all of them at once."""

from __future__ import annotations

from typing import Annotated, NoReturn

from pydantic import Field

from livesteward.contracts import Contract
from livesteward.errors import PolicyError


class PolicyProblem(Contract):
    """One thing that is wrong in one place of a rule document.

    Attributes:
        path: The document, relative to the folder of policies, with forward slashes.
        line: Where, counted from 1.
        code: A short stable name such as ``duplicate-id``, for programs.
        message: What was found.
        fix: What to do about it.
        blocks: Whether the rulebooks cannot be used until it is mended; otherwise it is advice.
    """

    path: str
    line: Annotated[int, Field(ge=1)]
    code: str
    message: str
    fix: str
    blocks: bool = True

    def __str__(self) -> str:
        """``global/fraud.md:12: message; fix``."""
        return f"{self.path}:{self.line}: {self.message}; {self.fix}"


def refuse(problems: list[PolicyProblem]) -> NoReturn:
    """Raise the first of ``problems`` as an error that also says how many more there are.

    Raises:
        PolicyError: Always.
    """
    first = min(problems, key=lambda problem: (problem.path, problem.line))
    more = f" (and {len(problems) - 1} more: run 'livesteward policies lint')" if len(problems) > 1 else ""
    raise PolicyError(f"{first}{more}")
