"""What a schema finds wrong with a document, in drybox's own words and with what to do.

It asks nothing of the schema's library: every front door that has one hands its error in.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, get_args

from drybox.errors import InvalidRequest
from drybox.service.refusals import Problem, Refused

_TYPES = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_LENGTHS = {
    "string_too_long": ("max_length", "at most", "characters"),
    "string_too_short": ("min_length", "at least", "characters"),
    "too_long": ("max_length", "at most", "items"),
    "too_short": ("min_length", "at least", "items"),
}
_BRANCHES = {"int", "float", "str", "bool"}
_MOST_SHOWN = 200


class SchemaError(Protocol):
    """What Pydantic's ``ValidationError`` has."""

    def errors(
        self, *, include_url: bool, include_context: bool, include_input: bool
    ) -> Sequence[Mapping[str, Any]]:
        """Each fault: ``type``, ``loc``, ``msg`` and ``ctx``."""


def refusal_of(error: SchemaError, model: Any = None) -> Exception:
    """What is wrong with a body, by its first fault.

    Args:
        error: What the schema says.
        model: The class of the document, whose fields are named to who misspells one.
    """
    fault = _faults(error)[0]
    if fault["type"] == "json_invalid":
        detail = fault["msg"].removeprefix("Invalid JSON: ")
        return Refused(Problem("malformed-json", f"{detail}.", "Send one JSON object in UTF-8."))
    return wrong_field(error, model)


def wrong_field(error: SchemaError, model: Any = None, whole: str = "request") -> InvalidRequest:
    """The first field that is wrong.

    Args:
        error: What the schema says.
        model: The class of the document.
        whole: What the document is called where all of it is wrong.
    """
    faults = _faults(error)
    first = faults[0]
    where = list(first["loc"])
    # A choice of types has a fault for each of them, with the type as its last word.
    same = [fault for fault in faults if fault["loc"][:-1] == first["loc"][:-1]]
    if len(same) > 1 and {fault["loc"][-1] for fault in same} <= _BRANCHES:
        where = where[:-1]
    else:
        same = [first]
    detail, hint = _words(first, same, _fields(model, where[:-1]))
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return InvalidRequest(place.lstrip(".")[:_MOST_SHOWN] or whole, detail, hint=hint)


def _faults(error: SchemaError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_url=False, include_context=True, include_input=False)


def _words(
    fault: Mapping[str, Any], same: Sequence[Mapping[str, Any]], fields: Sequence[str]
) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "it is missing", "Give it."
    if kind == "extra_forbidden":
        return "it is not known", _known(str(fault["loc"][-1]), fields)
    if kind in ("literal_error", "enum"):
        return f"it is not {context['expected']}", f"Pass {context['expected']}."
    if kind == "union_tag_invalid":
        detail = f"there is no {str(context['tag'])[:80]!r}"
        return detail, f"Its {context['discriminator']} is one of {context['expected_tags']}."
    if kind == "union_tag_not_found":
        return f"it has no {context['discriminator']}", f"Give its {context['discriminator']}."
    if kind == "finite_number":
        return "it is no finite number", "Pass a number."
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = f"{words} {context[name]:,g}"
        return f"it is not {bound}", f"Pass {bound}."
    if kind in _LENGTHS:
        name, words, unit = _LENGTHS[kind]
        bound = f"{words} {context[name]:,} {unit}"
        return f"it does not have {bound}", f"Pass {bound}."
    types = dict.fromkeys(_TYPES.get(each["type"].split("_")[0], "") for each in same)
    if all(types):
        return f"it is not {' or '.join(types)}", f"Pass {' or '.join(types)}."
    return fault["msg"], "The service's /docs shows a right request."


def _known(name: str, fields: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, fields, 1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return f"{guess}There are {', '.join(fields)}." if fields else "Leave it out."


def _fields(model: Any, where: Sequence[str | int]) -> list[str]:
    """The fields of the object at a place; none if that is no object of named fields."""
    for step in where:
        fields = getattr(model, "model_fields", {})
        if isinstance(step, str):
            model = _model_in(fields[step].annotation) if step in fields else None
    return list(getattr(model, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The class of objects that a field holds, in a list or beside None too."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
