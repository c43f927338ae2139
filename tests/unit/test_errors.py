"""One tree of errors, whose messages name the place."""

import inspect

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from livesteward import errors
from livesteward.errors import InputError, LivestewardError, ModelAnswerError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str


class Outer(BaseModel):
    chat: list[Inner]
    title: str = ""


def problem(value: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return caught.value


def test_every_error_hangs_on_the_one_root_and_is_in_the_drawing() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__]
    assert len(classes) > 8
    for error in classes:
        assert issubclass(error, LivestewardError)
        assert error.__name__ in (errors.__doc__ or "")


def test_a_place_in_a_list_is_written_as_people_write_it() -> None:
    error = InputError.from_validation(problem({"chat": [{"text": "a"}, {"text": 5}]}))
    assert error.field == "chat[1].text"
    assert str(error).startswith("chat[1].text: ")


def test_the_file_stands_before_the_field() -> None:
    error = InputError.from_validation(problem({"chat": [{"txet": "a", "text": "b"}]}), source="segment.json")
    assert str(error) == "segment.json: chat[0].txet: Extra inputs are not permitted"


def test_only_the_first_of_many_problems_is_told_and_the_others_are_counted() -> None:
    error = InputError.from_validation(problem({"chat": [{}, {}, {}]}))
    assert str(error) == "chat[0].text: Field required (and 2 more)"


def test_a_problem_of_the_whole_names_only_the_file() -> None:
    assert str(InputError.from_validation(problem([]), source="segment.json")).startswith("segment.json: Input should be")
    assert str(InputError.from_validation(problem([]))).startswith("Input should be")


def test_what_was_given_is_not_repeated_in_the_message() -> None:
    error = InputError.from_validation(problem({"chat": [{"text": ["my secret"]}]}))
    assert "secret" not in str(error)


def test_an_unusable_answer_keeps_what_was_said() -> None:
    assert ModelAnswerError("cut off", raw='{"decision": "al').raw == '{"decision": "al'
