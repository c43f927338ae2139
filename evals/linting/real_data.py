"""What looks like somebody's real data in the texts of cases: numbers, addresses, links and keys that could work.

Invented people have invented data: numbers of the ranges that are kept free for films, or such as 000 000; ``.example`` domains (RFC 2606);
no card number and no IBAN whose check digits are right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class RealLooking:
    """Something that could be real.

    Attributes:
        kind: ``phone``, ``email``, ``link``, ``card``, ``iban`` or ``key``.
        found: As it stands in the text.
        advice: What to write instead.
    """

    kind: str
    found: str
    advice: str


_ADVICE: Final = {
    "phone": "write one of a range kept free for fiction, such as +1 202 555 0143 or +44 7700 900123, or zeros",
    "email": "write an address at a domain that ends in .example",
    "link": "write a domain that ends in .example",
    "card": "write a number that fails the check, such as 4000 0000 0000 0000",
    "iban": "write one that fails the check, such as DE00 0000 0000 0000 0000 00",
    "key": "write something that nobody can take for a key",
}

_RESERVED: Final = re.compile(r"(?:^|\.)(?:example|invalid|test|localhost|example\.(?:com|net|org))$")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]+@((?:[\w-]+\.)+[^\W\d_]{2,})", re.IGNORECASE)
_LINK: Final = re.compile(r"(?:https?://|www\.)([^\s/?#:]+)", re.IGNORECASE)
# Names without a scheme only with endings that people type: "prof.edson" is a viewer.
_BARE: Final = re.compile(
    r"(?<![\w@./-])((?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|io|co|me|tv|gg|ly|xyz|top|vip|shop|store|site|online|club|live|link|app|page"
    r"|bet|win|cc|ru|cn|de|fr|es|it|nl|pl|br|mx|jp|kr|in|id|my|sg|th|vn|tr|uk|us|eu|sa|eg|ae|ph|hk|tw|au|ca|za))(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"(?<![\w/+.,-])\+?\(?\d(?:[ ().·•\u00a0-]{0,3}\d){6,18}(?![\w/]|[.,]\d)")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_KEY: Final = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{24,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)

_FICTION: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:1?\d{3})?55501\d\d",  # North America: 555-0100 to 555-0199
        r"(?:44|0)(?:7700900|808157|306999|1632960|207946)\d+",  # United Kingdom: mobile, free, any place, no place, London
        r"(?:44|0)1(?:1[3-8]|[2-6]1)4960\d+",  # the other large towns
        r"(?:49|0)(?:3023125|6990009|4066969|2214710|8999998)\d{3}",  # Germany
        r"(?:33|0)(?:19900|26191|35301|46571|53649|63998)\d+",  # France
        r"(?:61|0)(?:[2378](?:5550|7010)|49157)\d+",  # Australia
    )
)
"""Ranges that regulators keep free for fiction (Ofcom, Bundesnetzagentur, ARCEP, ACMA and the NANPA), without signs between the digits."""

_PHONE_LENGTHS: Final = range(8, 16)
_CARD_LENGTHS: Final = range(13, 20)
_FEW: Final = 3
"""A number of at most so many different digits was made up."""


def real_looking(text: str) -> Iterator[RealLooking]:
    """Yield what in ``text`` could be somebody's, in whichever digits it is written."""
    flat = "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in unicodedata.normalize("NFKC", text))
    taken = 0
    for match in sorted((*_EMAIL.finditer(flat), *_LINK.finditer(flat), *_BARE.finditer(flat)), key=lambda match: match.start()):
        # A link with a scheme is also one without.
        if match.start() >= taken and not _RESERVED.search(match[1].casefold().rstrip(".")):
            yield _real("email" if match.re is _EMAIL else "link", match[0])
        taken = max(taken, match.end())
    for match in _KEY.finditer(flat):
        yield _real("key", match[0])
    ibans = [match for match in _IBAN.finditer(flat) if _is_iban(match[0])]
    for match in ibans:
        yield _real("iban", match[0])
    for match in _NUMBER.finditer(flat):
        if not any(iban.start() <= match.start() < iban.end() for iban in ibans):
            yield from _of_number(match[0])


def _of_number(written: str) -> Iterator[RealLooking]:
    digits = "".join(char for char in written if char.isdigit())
    if _is_made_up(digits):
        return
    if len(digits) in _CARD_LENGTHS and digits[0] in "23456" and _passes_luhn(digits):
        yield _real("card", written)
    elif len(digits) in _PHONE_LENGTHS and _is_dialled(written, digits) and not any(one.fullmatch(digits) for one in _FICTION):
        yield _real("phone", written)


def _is_dialled(written: str, digits: str) -> bool:
    # Numbers of a date, a price or an order begin with another digit and stand without brackets.
    return written[0] in "+(" or digits[0] == "0" or bool(re.match(r"1?[ .-]?\d{3}[ .-]\d{3}[ .-]\d{4}$", written))


def _is_made_up(digits: str) -> bool:
    """Whether nobody takes it for real: few different digits, or four zeros in a row."""
    return len(set(digits)) <= _FEW or "0000" in digits


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    """ISO 13616: the country and check digits moved to the end, letters as numbers from 10 on, modulo 97 is 1."""
    flat = written.replace(" ", "")
    return not _is_made_up(flat[4:]) and int("".join(str(int(char, 36)) for char in flat[4:] + flat[:4])) % 97 == 1


def _real(kind: str, found: str) -> RealLooking:
    return RealLooking(kind=kind, found=found, advice=_ADVICE[kind])
