from __future__ import annotations

import pytest

from livesteward.errors import ConfigurationError
from livesteward.models.vllm_flags import parse_help

HELP = """usage: vllm serve [model_tag] [options]

options:
  --count COUNT, -c COUNT
                        How many. See --not-this for more. (default: 1)
  --path PATH           Where, on the same line.
  --eager, --no-eager
                        A switch with its opposite.
  --kind {plain,fancy}  Of a few.
  --parser {hermes,mistral} or name registered in --parser-plugin
                        Of a few, or more.
  --form ['auto', 'mistral']
                        Form:
                        - "auto" is a choice.
  --share SHARE, --portion SHARE
                        Two names.

Group:
  What it is for.

""" + "\n".join(f"  --more-{number} N" for number in range(60))


def test_flags_are_read_with_their_other_names_and_choices() -> None:
    known = parse_help(HELP, version="1.2")
    assert {"--count", "-c", "--path", "--eager", "--no-eager", "--share", "--portion"} <= set(known.flags)
    assert not {"--not-this", "--parser-plugin"} & set(known.flags)
    assert known.flags["--kind"] == ("plain", "fancy")
    assert known.flags["--parser"] == ("hermes", "mistral")
    assert known.flags["--form"] == ("auto", "mistral")
    assert known.flags["--count"] == known.flags["--eager"] == ()


def test_what_vllm_does_not_know_is_named_with_what_is_near() -> None:
    known = parse_help(HELP, version="1.2")
    fine = ["--count", "3", "--kind=fancy", "--eager", "--form", "mistral"]
    assert known.problems(fine) == ()
    assert known.problems(["--cuont", "3"]) == ("vLLM 1.2 does not know --cuont; it has --count",)
    assert known.problems(["--unheard-of"]) == ("vLLM 1.2 does not know --unheard-of",)
    assert known.problems(["--kind", "odd"]) == ("vLLM 1.2 does not take --kind odd; it takes plain, fancy",)


@pytest.mark.parametrize("text", ["", "usage: something else\n  --help  Help.", "<html>" * 1_000])
def test_what_is_no_help_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no help text of vLLM"):
        parse_help(text)
