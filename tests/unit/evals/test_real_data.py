"""What could be somebody's, and what nobody takes for real."""

from __future__ import annotations

import pytest

from livesteward.evals.linting.real_data import real_looking


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("call me +60 12-873 9921 after eight", "phone"),
        ("my number is 0171 8642975", "phone"),
        ("(415) 867-5309", "phone"),
        ("415-867-5309", "phone"),
        ("０９０－１２３４－５６７８", "phone"),
        ("رقمي ٠٥٥١٢٣٩٨٧٤", "phone"),
        ("write to ann.b@gmail.com", "email"),
        ("https://t.me/growfast", "link"),
        ("join at www.realshop.com/now", "link"),
        ("bit.ly/abc is the form", "link"),
        ("pay with 4539 1488 0343 6467", "card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("GB82WEST12345698765432", "iban"),
        ("sk-abcdefghijklmnopqrstuvwxyz012345", "key"),
        ("AKIAQWERTYUIOPASDFGH", "key"),
    ],
)
def test_what_could_be_real_is_found_once_with_advice(text: str, kind: str) -> None:
    (found,) = real_looking(text)
    assert found.kind == kind
    assert found.advice


@pytest.mark.parametrize(
    "text",
    [
        "call +1 202 555 0143, or 555-0117",
        "+44 7700 900123",
        "020 7946 0018 and 0161 496 0123",
        "030 23125 123",
        "06 39 98 12 34, +33 6 39 98 12 34",
        "0491 570 006",
        "TEL 000 000 00 00",
        "4000 0000 0000 0000",
        "4539 1488 0343 6468",
        "NL00 FAKE 0000 0000 00",
        "DE12 3704 0044 0532 0130 00",
        "nepkonijn.example, a.b@mail.example, https://shop.test/x and example.com",
        "prof.edson and lilis.ok wave",
        "RIP 2024-2026",
        "certificate 04.051234/2026",
        "1,000,000 dong or 12.500.000 rupiah, order 20261122",
        "v1.2.3 at 12:30",
        "55555555",
    ],
)
def test_what_is_made_up_reserved_or_no_such_thing_is_left_alone(text: str) -> None:
    assert list(real_looking(text)) == []
