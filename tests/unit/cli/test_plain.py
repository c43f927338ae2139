from __future__ import annotations

import pytest

from livesteward.cli.plain import plain


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m text", "red text"),
        ("\x1b]0;new title\x07left", "left"),
        ("\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;c3RvbGVu", ""),
        ("\x9b31mred", "red"),
        ("fine\n✔ allow  forged line", "fine ✔ allow forged line"),
        ("over\r\x00\x08written", "over written"),
        ("abc\u202edcba\u2066x", "abcdcbax"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("line\u2028break", "line break"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 4),
    ],
)
def test_what_could_steer_a_terminal_or_forge_a_line_is_taken_out(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


@pytest.mark.parametrize("honest", ["👩‍👩‍👧 family", "می‌خواهم", "नमस्ते", "保証 200%", "สวัสดี", "[bold] is text", "é ü ñ"])
def test_letters_of_every_script_and_emoji_stay_as_they_are(honest: str) -> None:
    assert plain(honest) == honest


def test_a_limit_marks_what_is_cut_off() -> None:
    assert plain("a" * 50, limit=10) == "a" * 9 + "…"
