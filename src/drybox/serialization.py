"""Values that can be read as dictionaries and written as JSON. No I/O."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import InitVar, field, fields, make_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class _PydanticSerializer:
    """How Pydantic writes a value that stands where anything may, as in ``-> dict[str, Any]``.

    Made when Pydantic asks for it, which is imported then.
    """

    def __init__(self) -> None:
        self._made: dict[type, Any] = {}

    def __get__(self, value: object, kind: type) -> Any:
        """The serializer of one class of values."""
        if kind not in self._made:
            from pydantic import TypeAdapter

            self._made[kind] = TypeAdapter(kind).serializer
        return self._made[kind]


class Record:
    """A value whose fields can also be read as keys, as in its JSON form."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        # The table is at hand; going through the keys costs more than all else of a document.
        if name in self.__dataclass_fields__ or name in self.keys():  # type: ignore[attr-defined]
            return getattr(self, name)
        raise KeyError(name)

    def keys(self) -> Iterator[str]:
        """The field names, so that ``dict(record)`` works."""
        return (item.name for item in fields(self))  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """The value as JSON's own types."""
        return {name: plain(getattr(self, name)) for name in self.keys()}

    def to_json(self) -> str:
        """The value as a JSON document of one line, in ASCII."""
        return json.dumps(self.to_dict())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> dict[str, Any]:
        """How Pydantic, and so FastAPI, writes a value that is returned: as :meth:`to_dict`."""
        serialize = {"type": "function-plain", "function": cls.to_dict, "when_used": "always"}
        return {"type": "is-instance", "cls": cls, "serialization": serialize}

    __pydantic_serializer__ = _PydanticSerializer()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, Any]:
        """What an OpenAPI document says of it."""
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}


class OutputRecord(Record):
    """A value with output, which is made text when somebody asks for it."""

    __slots__ = ()

    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Stdout as text; bytes that are not UTF-8 become U+FFFD."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """Stderr as text; bytes that are not UTF-8 become U+FFFD."""
        return self.stderr_bytes.decode("utf-8", "replace")


class Files(dict[str, bytes]):
    """Contents by path, of which ``dataclasses.asdict`` makes base64.

    That is how FastAPI, where an endpoint has no annotation, and Flask write a dataclass. It calls
    the class with the pairs of the copy; others make one with :meth:`of`.
    """

    def __new__(cls, copied: Iterable[tuple[str, bytes]] | None = None) -> Any:
        """Base64 of what ``asdict`` copies; an empty one for :meth:`of` and for pickle."""
        if copied is None:
            return super().__new__(cls)
        return {path: _base64(content) for path, content in copied}

    @classmethod
    def of(cls, contents: Mapping[str, bytes]) -> Files:
        """The same contents."""
        files: Files = cls()
        files.update(contents)
        return files


def bytes_as_text(cls: type[T]) -> type[T]:
    """Let ``dataclasses.fields`` name the text of each pair of ``NAME`` and ``NAME_bytes``.

    So ``dataclasses.asdict`` gives what JSON can be made of. The constructor and
    ``dataclasses.replace`` take the bytes, and comparing looks at them.
    """
    known: dict[str, Any] = cls.__dataclass_fields__  # type: ignore[attr-defined]
    pairs = {name: name.removesuffix("_bytes") for name in known if name.endswith("_bytes")}
    new = make_dataclass(
        "new",
        [
            *((name, str, field(init=False)) for name in pairs.values()),
            *((name, InitVar[bytes], field(default=b"")) for name in pairs),
        ],
    ).__dataclass_fields__  # type: ignore[attr-defined]
    shown = {}
    for name in (pairs.get(name, name) for name in known):
        shown[name] = known.get(name) or new[name]
    # What only the constructor takes is no field, but replace() passes it on.
    shown |= {name: new[name] for name in pairs}
    cls.__dataclass_fields__ = shown  # type: ignore[attr-defined]
    # By default it would be copied by the names that fields() gives, text among them.
    cls.__reduce__ = _by_constructor  # type: ignore[method-assign,assignment]
    return cls


def _by_constructor(record: Any) -> tuple[type, tuple[Any, ...]]:
    return type(record), tuple(getattr(record, name) for name in record.__match_args__)


def plain(value: Any) -> Any:
    """A record, or a list of them, as dictionaries and lists; of files, their base64."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Files):
        return {path: _base64(content) for path, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _base64(content: bytes) -> str:
    return b64encode(content).decode("ascii")
