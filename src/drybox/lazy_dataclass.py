"""Dataclasses whose methods are made when somebody first uses them.

The standard library compiles up to six methods of a class as it is defined, which takes as long as
all else of importing its module. A command that runs one program defines ninety such classes, makes
objects of half of them, compares few and prints none. Here the standard library does the same, only
later: the constructor with the first object, the rest when one is first compared or printed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # what type checkers know
else:

    def dataclass(
        *, frozen: bool = False, slots: bool, eq: bool = True
    ) -> Callable[[type[T]], type[T]]:
        """The standard library's, for classes with slots."""
        assert slots, "one without slots is the standard library's"

        def made(cls: type[T]) -> type[T]:
            if _is_plain(cls):
                return _with_late_methods(cls, frozen=frozen, eq=eq)
            return dataclasses.dataclass(frozen=frozen, slots=True, eq=eq)(cls)

        return made


_CORE = (
    *("__init__", "__setattr__", "__delattr__"),
    *("__dataclass_fields__", "__dataclass_params__", "__match_args__"),
)
_COMPARING = ("__eq__", "__hash__")
_PRINTING = ("__repr__",)

_OF_THE_CLASS = ("__module__", "__qualname__", "__orig_bases__", "__parameters__", "__post_init__")
"""What the standard library looks at, besides annotations and defaults."""


class _Late:
    """Stands for an attribute of a class until somebody looks at it."""

    __slots__ = ("_group", "_origin", "name")

    def __init__(self, name: str, group: tuple[str, ...], origin: _Origin) -> None:
        self.name = name
        self._group = group
        self._origin = origin

    def __get__(self, instance: object, owner: type) -> Any:
        """The attribute itself, which takes this one's place."""
        self._origin.make(self._group)
        found = self._origin.home.__dict__[self.name]
        return found.__get__(instance, owner) if callable(found) else found


class _Origin:
    """What a class was defined with, of which its methods are made."""

    __slots__ = ("_body", "_frozen", "home")

    home: type

    def __init__(self, body: dict[str, Any], *, frozen: bool) -> None:
        self._body = body
        self._frozen = frozen

    def make(self, group: tuple[str, ...]) -> None:
        """Make the attributes of one group. Twice at a time does no harm."""
        home = self.home
        twin = type(home)(home.__name__, home.__bases__, dict(self._body))
        dataclasses.dataclass(
            frozen=self._frozen,
            init=group is _CORE,
            repr=group is _PRINTING,
            eq=group is _COMPARING,
        )(twin)
        for name in group:
            if isinstance(home.__dict__.get(name), _Late):
                setattr(home, name, twin.__dict__[name])


def _is_plain(cls: type) -> bool:
    """Whether its fields are those of its own annotations."""
    inherits = any("__dataclass_fields__" in base.__dict__ for base in cls.__mro__[1:])
    odd = ("ClassVar", "InitVar", "KW_ONLY")
    return not inherits and not any(
        str(kind).rpartition(".")[2].startswith(odd) for kind in cls.__annotations__.values()
    )


def _with_late_methods(cls: type[T], *, frozen: bool, eq: bool) -> type[T]:
    names, space = tuple(cls.__annotations__), dict(cls.__dict__)
    body = {name: space[name] for name in (*names, *_OF_THE_CLASS) if name in space}
    body |= {"__annotations__": cls.__annotations__, "__doc__": "made for its methods only"}
    origin = _Origin(body, frozen=frozen)
    inherited = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
    for name in (*names, "__dict__", "__weakref__"):
        space.pop(name, None)
    space["__slots__"] = tuple(name for name in names if name not in inherited)
    if space.get("__hash__", cls) is None:  # Python's own word about a class with __eq__
        del space["__hash__"]
    without = set() if frozen else {"__setattr__", "__delattr__", "__hash__"}
    for group in (_CORE, _PRINTING, _COMPARING) if eq else (_CORE, _PRINTING):
        for name in group:
            if name not in without:
                space.setdefault(name, _Late(name, group, origin))
    if frozen:  # else pickle would set attributes
        space["__getstate__"], space["__setstate__"] = _get_state, _set_state
    kind: Any = type(cls)
    made: type[T] = kind(cls.__name__, cls.__bases__, space)
    made.__qualname__, origin.home = cls.__qualname__, made
    return made


def _get_state(record: Any) -> list[Any]:
    return [getattr(record, item.name) for item in dataclasses.fields(record)]


def _set_state(record: Any, state: list[Any]) -> None:
    for item, value in zip(dataclasses.fields(record), state, strict=True):
        object.__setattr__(record, item.name, value)
