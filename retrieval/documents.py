"""Rule documents: Markdown that a policy specialist writes, read strictly into typed sections.

A document is YAML front matter, a short introduction, and one ``##`` section a rule: a fenced ``yaml`` block, the text of the rule, and
``###`` parts for exceptions, examples and the notice. Nothing is guessed: what does not fit is a problem with file, line and remedy.
"""

from __future__ import annotations

from pathlib import Path

from livesteward.errors import PolicyError
from livesteward.retrieval.document_model import MAX_DOCUMENT_BYTES, PolicyDocument, RuleSection
from livesteward.retrieval.document_reader import DocumentReader
from livesteward.retrieval.problems import PolicyProblem, refuse

__all__ = ["PolicyDocument", "RuleSection", "parse_document", "read_document", "read_document_file"]


def parse_document(raw: str, path: str) -> PolicyDocument:
    """Read a document that must be without a fault.

    Args:
        raw: The file's text.
        path: Relative to the folder of policies, for messages.

    Raises:
        PolicyError: With file, line, what was found and what to do about the first fault.
    """
    document, problems = read_document(raw, path)
    if document is None or problems:
        refuse(problems)
    return document


def read_document(raw: str, path: str) -> tuple[PolicyDocument | None, list[PolicyProblem]]:
    """Read as much of a document as makes sense and list everything that is wrong with it.

    The document is ``None`` where its front matter cannot be used.
    """
    reader = DocumentReader(raw, path)
    return reader.read(), reader.problems


def read_document_file(folder: Path, file: Path) -> str:
    """Return the text of ``file`` below ``folder``, unchanged.

    Raises:
        PolicyError: If it cannot be read, is too large or is not UTF-8.
    """
    name = file.relative_to(folder).as_posix()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise PolicyError(f"{name}:1: the document cannot be read ({error.strerror}); check its permissions") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise PolicyError(f"{name}:1: the document has {len(data):,} bytes, more than {MAX_DOCUMENT_BYTES:,}; split it by topic")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"{name}:{line}: byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8") from error
