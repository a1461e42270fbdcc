"""What a schema finds wrong is told in drybox's words, with what to do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

pydantic = pytest.importorskip("pydantic", reason="it comes with the extra 'server'")

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError  # noqa: E402

from drybox.service.refusals import Refused  # noqa: E402
from drybox.service.schema_faults import refusal_of, wrong_field  # noqa: E402


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    memory: int | str | None = None
    cpus: float | None = None


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    language: Annotated[str, Field(max_length=5)]
    files: list[Inner] | None = None
    limits: Inner | None = None
    args: Annotated[list[str], Field(max_length=2)] = []
    env: dict[str, str] = {}
    encoding: Literal["utf-8", "base64"] = "utf-8"
    seconds: Annotated[float, Field(gt=0, le=1000)] = 1
    whole: int = 1
    yes: bool = False


class Stdin(BaseModel):
    type: Literal["stdin"]
    data: str


class Eof(BaseModel):
    type: Literal["eof"]


def wrong(document: dict[str, Any]) -> tuple[str, str, str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"language": "py", **document})
    error = wrong_field(caught.value, Outer)
    return error.field, error.message, error.hint


@pytest.mark.parametrize(
    ("document", "field", "detail", "hint"),
    [
        ({"languag": "py"}, "languag", "it is not known", "Did you mean 'language'? There are "),
        ({"zzz": "py"}, "zzz", "it is not known", "There are language, files, limits, "),
        ({"limits": {"memroy": 1}}, "limits.memroy", "it is not known", "Did you mean 'memory'?"),
        ({"files": [{}, {"cpu": 1}]}, "files[1].cpu", "it is not known", "Did you mean 'cpus'?"),
        ({"language": 5}, "language", "it is not text", "Pass text."),
        ({"language": None}, "language", "it is not text", "Pass text."),
        ({"language": "python"}, "language", "it does not have at most 5 characters", "Pass at"),
        ({"args": ["a", 1]}, "args[1]", "it is not text", "Pass text."),
        ({"args": "a"}, "args", "it is not a list", "Pass a list."),
        ({"args": ["a"] * 3}, "args", "it does not have at most 2 items", "Pass at most 2 items."),
        ({"env": []}, "env", "it is not an object", "Pass an object."),
        ({"env": {"A": 1}}, "env.A", "it is not text", "Pass text."),
        ({"limits": []}, "limits", "it is not an object", "Pass an object."),
        (
            {"limits": {"memory": 1.5}},
            "limits.memory",
            "it is not a whole number or text",
            "Pass a whole number or text.",
        ),
        ({"limits": {"cpus": "1"}}, "limits.cpus", "it is not a number", "Pass a number."),
        ({"limits": {"cpus": float("nan")}}, "limits.cpus", "it is no finite number", "Pass a"),
        ({"encoding": "rot13"}, "encoding", "it is not 'utf-8' or 'base64'", "Pass 'utf-8' or"),
        ({"seconds": 0}, "seconds", "it is not more than 0", "Pass more than 0."),
        ({"seconds": 5000}, "seconds", "it is not at most 1,000", "Pass at most 1,000."),
        ({"whole": 1.5}, "whole", "it is not a whole number", "Pass a whole number."),
        ({"yes": "x"}, "yes", "it is not true or false", "Pass true or false."),
    ],
)
def test_a_fault_is_told_with_what_to_do(
    document: dict[str, Any], field: str, detail: str, hint: str
) -> None:
    found_field, message, found_hint = wrong(document)
    assert (found_field, message) == (field, f"{field}: {detail}")
    assert found_hint.startswith(hint)


def test_what_is_missing_and_what_is_no_document() -> None:
    for document, field in (({}, "language"), ([], "request")):
        with pytest.raises(ValidationError) as caught:
            Outer.model_validate(document)
        assert wrong_field(caught.value, Outer).field == field


def test_a_message_of_an_unknown_type_is_told_which_there_are() -> None:
    messages: TypeAdapter[Any] = TypeAdapter(Annotated[Stdin | Eof, Field(discriminator="type")])
    for document, words in (
        ({"type": "sdtin"}, "Its 'type' is one of 'stdin', 'eof'."),
        ({}, "Give its 'type'."),
        ({"type": "stdin"}, "Give it."),
    ):
        with pytest.raises(ValidationError) as caught:
            messages.validate_python(document)
        assert wrong_field(caught.value).hint == words


def test_what_is_no_json_is_a_problem_of_its_own() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json(b"{")
    error = refusal_of(caught.value, Outer)
    assert isinstance(error, Refused)
    assert error.problem.kind == "malformed-json"
