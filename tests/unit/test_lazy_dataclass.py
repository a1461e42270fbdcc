"""Lazy dataclasses are those of the standard library, with methods that come when they are used."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from drybox.lazy_dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """A value."""

    x: int
    y: int = 2
    names: list[str] = field(default_factory=list)
    note: str = field(default="", kw_only=True, compare=False)


@dataclass(slots=True)
class Counter:
    """A value that changes."""

    count: int = 0

    def __post_init__(self) -> None:
        self.count += 1


@dataclass(frozen=True, slots=True, eq=False)
class Itself:
    """One that equals only itself."""

    x: int = 1


@dataclass(frozen=True, slots=True)
class Own(Generic[T]):
    """One with methods of its own."""

    x: int

    def __repr__(self) -> str:
        return "mine"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)


@dataclass(frozen=True, slots=True)
class Child(Point):
    """One that inherits fields."""

    z: int = 3


@dataclass(slots=True)
class Odd:
    """One whose annotations are not all fields."""

    _: dataclasses.KW_ONLY
    x: int = 1
    shared: ClassVar[int] = 5


def run_python(code: str) -> str:
    """What a program prints, in an interpreter of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _standard(cls: type, **options: Any) -> Any:
    space = {name: value for name, value in vars(cls).items() if name.startswith("__post")}
    defaults = {item.name: item for item in dataclasses.fields(cls)}
    for item in defaults.values():
        space[item.name] = field(
            **{
                name: getattr(item, name)
                for name in ("default", "default_factory", "compare", "kw_only")
                if getattr(item, name) is not dataclasses.MISSING
            }
        )
    space["__annotations__"] = {name: item.type for name, item in defaults.items()}
    space |= {"__module__": __name__, "__doc__": cls.__doc__}
    return dataclasses.dataclass(slots=True, **options)(type(cls.__name__, (), space))


@pytest.mark.parametrize(
    ("kind", "options"),
    [(Point, {"frozen": True}), (Counter, {}), (Itself, {"frozen": True, "eq": False})],
)
def test_a_class_is_as_the_standard_librarys(kind: Any, options: dict[str, Any]) -> None:
    other = _standard(kind, **options)
    known, expected = set(vars(kind)), set(vars(other)) - {"__weakref__"}  # one of no use
    assert known == expected
    assert kind.__match_args__ == other.__match_args__
    assert kind.__slots__ == other.__slots__
    assert str(inspect.signature(kind)) == str(inspect.signature(other))
    assert (kind.__hash__ is None) == (other.__hash__ is None)
    arguments = (1,) if kind is Point else ()
    assert repr(kind(*arguments)) == repr(other(*arguments))
    assert (kind(*arguments) == kind(*arguments)) == (other(*arguments) == other(*arguments))
    assert not hasattr(kind(*arguments), "__dict__")
    assert [item.name for item in dataclasses.fields(kind)] == list(kind.__slots__)


def test_values_compare_hash_print_and_are_frozen() -> None:
    point = Point(1, note="a")
    assert point == Point(1, note="b") != Point(2)
    assert repr(point) == "Point(x=1, y=2, names=[], note='a')"
    assert hash(Itself()) != hash(Itself())
    assert point.names is not Point(1).names
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert dataclasses.replace(point, y=5) == Point(1, 5)
    assert dataclasses.asdict(point) == {"x": 1, "y": 2, "names": [], "note": "a"}


def test_methods_that_a_class_has_stay() -> None:
    assert repr(Own(1)) == "mine"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == hash(Own(1))
    assert Counter(4).count == 5
    with pytest.raises(TypeError):
        hash(Counter())


def test_fields_that_are_inherited_or_none_at_all() -> None:
    assert Child(1, 2, z=4) == Child(1, z=4)
    assert dataclasses.asdict(Child(1)) == {"x": 1, "y": 2, "names": [], "note": "", "z": 3}
    assert Odd(x=2).shared == 5
    with pytest.raises(TypeError):
        Odd(2)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [Point(1, 3, ["a"]), Counter(2), Child(1)], ids=repr)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_values_are_copied(value: object, again: Callable[[object], object]) -> None:
    assert again(value) == value


def test_a_value_of_another_process_may_be_the_first_one() -> None:
    for what in (Point(1, 3, ["a"]), Counter(2)):
        data = pickle.dumps(what)
        code = f"import pickle; print(pickle.loads({data!r}))"
        assert run_python(code) == f"{what!r}\n"


def test_many_threads_may_be_the_first_at_once() -> None:
    for _ in range(20):

        @dataclass(frozen=True, slots=True)
        class New:
            x: int = 1

        start, made = threading.Barrier(8), list[Any]()

        def make(kind: type = New, start: threading.Barrier = start, made: Any = made) -> None:
            start.wait()
            made.append(repr(kind()))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(set(made)) == 1
        assert len(made) == 8


def test_nothing_is_compiled_before_it_is_used() -> None:
    """What this is for."""
    compiled = run_python(
        "import builtins, sys\n"
        "import drybox.lazy_dataclass as ours\n"
        "count, real = 0, builtins.exec\n"
        "def counting(*words):\n    global count\n    count += 1\n    return real(*words)\n"
        "builtins.exec = counting\n"
        "@ours.dataclass(frozen=True, slots=True)\n"
        "class A:\n    x: int = 1\n"
        "before = count; A(); A(); first = count; repr(A()); A() == A(); hash(A())\n"
        "print(before, first > 0, count > first)"
    )
    assert compiled == "0 True True\n"
