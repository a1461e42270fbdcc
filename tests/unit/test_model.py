"""The values: their defaults as the contract has them, and what can be done with them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
from typing import Any, get_args

import pytest

import drybox
from drybox import model
from drybox.model import MIB, Event, ExecutionRequest, ResourceLimits, Truncated, Usage

RECORDS = [
    value
    for value in vars(model).values()
    if inspect.isclass(value) and dataclasses.is_dataclass(value)
]


def test_limits_are_by_default_what_the_contract_says() -> None:
    assert dataclasses.asdict(ResourceLimits()) == {
        "memory": 256 * MIB,
        "cpus": 1.0,
        "pids": 64,
        "disk": 64 * MIB,
        "output": MIB,
        "open_files": 256,
    }


def test_a_request_takes_language_and_code_by_position_and_the_rest_by_name() -> None:
    parameters = inspect.signature(ExecutionRequest).parameters
    assert {
        name: (parameter.kind.name, parameter.default) for name, parameter in parameters.items()
    } == {
        "language": ("POSITIONAL_OR_KEYWORD", inspect.Parameter.empty),
        "code": ("POSITIONAL_OR_KEYWORD", None),
        **{
            name: ("KEYWORD_ONLY", default)
            for name, default in {
                "files": None,
                "entrypoint": None,
                "stdin": b"",
                "args": (),
                "env": None,
                "timeout": None,
                "limits": None,
                "packages": (),
                "artifacts": (),
                "isolation": None,
                "environment": None,
            }.items()
        },
    }


def test_the_statuses_are_those_of_the_contract() -> None:
    assert set(get_args(model.Status)) == {
        *("success", "failed", "signaled", "compile_error", "install_error"),
        *("timeout", "memory_limit", "output_limit", "sandbox_error"),
    }
    assert get_args(model.PhaseName) == ("install", "compile", "run")


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_values_are_frozen_and_take_no_other_attributes(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen
    assert "__dict__" not in dir(kind)
    value = object.__new__(kind)
    for name in (dataclasses.fields(kind)[0].name, "another"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(value, name, 1)


def test_records_read_like_dictionaries() -> None:
    usage = Usage(cpu_time=1.5)
    assert dict(usage) == {"cpu_time": 1.5, "memory_peak": None}
    assert usage["cpu_time"] == 1.5
    assert list(Truncated().keys()) == ["stdout", "stderr"]
    for name in ("missing", "keys", "__class__"):
        with pytest.raises(KeyError):
            usage[name]


def test_values_cross_processes() -> None:
    request = ExecutionRequest("python", "1", files={"a": b"x"}, limits=ResourceLimits(pids=3))
    event = Event("stdout", "id", "run", "é", b"\xc3\xa9")
    assert pickle.loads(pickle.dumps((request, event))) == (request, event)


def test_undecodable_output_is_replaced_in_the_text_and_kept_in_the_bytes() -> None:
    values: dict[str, Any] = dict.fromkeys(model.ExecutionResult.__match_args__)
    values.update(artifacts={}, stdout_bytes=b"a\xff\xe2\x82", stderr_bytes="é".encode())
    result = model.ExecutionResult(**values)
    assert (result.stdout, result.stderr) == ("a\ufffd\ufffd", "é")
    assert result.stdout_bytes == b"a\xff\xe2\x82"


def test_public_values_are_exported_from_the_top() -> None:
    for name in ("ErrorInfo", "Event", "ExecutionRequest", "ExecutionResult", "PhaseResult"):
        assert getattr(drybox, name) is getattr(model, name)


def test_of_a_dataclass_asdict_makes_what_json_can_be_made_of() -> None:
    """As FastAPI and Flask write one that an endpoint returns."""
    data = bytes(range(256))
    phase = model.PhaseResult("run", "failed", data, data, 1, None, 0.5, None, None)
    result = model.ExecutionResult(
        *("failed", data, data, 1, None, 0.5, None, [phase], model.Usage(), Truncated()),
        artifacts={"a.bin": data, "keys": b"\xff"},
        id="1",
        language="python",
        version="3.11",
        isolation="local",
    )
    document = result.to_dict()
    assert json.loads(json.dumps(dataclasses.asdict(result))) == json.loads(result.to_json())
    assert json.loads(json.dumps({"a": [result]}, default=dataclasses.asdict))["a"] == [document]
    event = Event("result", "id", data_bytes=data, result=result)
    assert dataclasses.asdict(event)["result"]["artifacts"] == document["artifacts"]
    assert "stdout_bytes" not in dict(result)

    assert result.stdout_bytes == result["stdout_bytes"] == result.artifacts["a.bin"] == data
    other = dataclasses.replace(result, stdout_bytes=b"other")
    assert (other.stdout, other.stderr_bytes, other.artifacts) == ("other", data, result.artifacts)
    assert other != result
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        assert twin == result
        assert twin.artifacts["a.bin"] == data
        assert twin.to_dict() == document
