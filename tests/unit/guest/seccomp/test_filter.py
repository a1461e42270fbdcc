"""The system-call filter: its data, the compiled program run by hand, and the kernel's answers."""

from __future__ import annotations

import ctypes
import errno
import functools
import itertools
import random
import runpy
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.filtered import in_child, native
from tests.support.kernel_numbers import (
    AARCH64,
    ALLOWED,
    ARM,
    FAILED,
    I386,
    KILL_PROCESS,
    NEWEST,
    X32_BIT,
    X86_64,
)

from drybox.guest.seccomp import bpf, policy, processes
from drybox.guest.seccomp import filter as seccomp
from drybox.guest.seccomp.filter import SeccompUnavailable, filter_program
from drybox.guest.seccomp.verdicts import Switch

pytestmark = pytest.mark.promise("ISO-4")

ROOT = Path(__file__).resolve().parents[4]


# --- The policy as data --------------------------------------------------------------------------


def _named(arch: int = X86_64) -> list[tuple[str, policy.Verdict]]:
    return list(seccomp.verdicts(arch))


GUARDED = policy.guarded("x86_64")


def _switches(verdict: policy.Verdict) -> Iterator[Switch]:
    if isinstance(verdict, Switch):
        yield verdict
        for branch in (*verdict.cases.values(), verdict.otherwise):
            yield from _switches(branch)


def test_no_system_call_stands_on_the_page_twice() -> None:
    counts = Counter(name for name, _ in _named())
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_name_is_a_system_call(library: seccomp._Library) -> None:
    unknown = {name for name, _ in _named() if not library.knows(name, X86_64)}
    if library.version < (2, 5, 4):
        pytest.skip("libseccomp is older than many of the names")
    assert unknown <= {*NEWEST, "uprobe", "uretprobe"}


def test_every_system_call_up_to_linux_6_8_is_decided(library: seccomp._Library) -> None:
    name_of = library._dll.seccomp_syscall_resolve_num_arch
    name_of.argtypes, name_of.restype = (ctypes.c_uint32, ctypes.c_int), ctypes.c_char_p
    known = {name.decode() for number in range(462) if (name := name_of(X86_64, number))}
    assert len(known) > 300
    assert known - {name for name, _ in _named()} == set()


@pytest.mark.parametrize("name", GUARDED)
def test_a_guard_means_what_it_says(name: str) -> None:
    for switch in _switches(GUARDED[name]):
        assert 0 <= switch.mask <= 0xFFFF_FFFF
        assert all(value & switch.mask == value for value in switch.cases)
        assert all(0 <= arg <= 5 for arg in (switch.arg,))
        named = set(switch.names.values())
        if switch.flags:
            union = sum(named)
            assert (
                union == {"without": switch.mask, "only": 0xFFFF_FFFF ^ switch.mask}[switch.flags]
            )
        else:
            assert set(switch.cases) <= named, "a value without a name"


def test_a_namespace_flag_cannot_hide_in_the_exit_signal() -> None:
    flags = [*processes.CLONE_NAMESPACES.values(), processes.CLONE_PARENT]
    assert all(flag.bit_count() == 1 and flag > 0xFF for flag in flags)
    assert GUARDED["clone"].mask == sum(flags)


def test_a_long_program_jumps_as_far_as_it_has_to() -> None:
    chance = random.Random(7)
    answers = [errno.EPERM, errno.EINVAL, errno.ENOTTY, policy.ALLOW]
    verdicts: dict[int, policy.Verdict] = {}
    for number in range(0, 900, 2):
        cases: dict[int, policy.Verdict] = {
            chance.getrandbits(32): chance.choice(answers) for _ in range(chance.randrange(5))
        }
        verdicts[number] = Switch(chance.randrange(6), cases, chance.choice(answers))
    program = bpf.program(X86_64, verdicts, policy.DEFAULT)
    assert any(code == 0x05 for code, *_ in _decode(program)), "no far jump was needed"
    for number, verdict in verdicts.items():
        assert isinstance(verdict, Switch)
        for args in _arguments(verdict):
            assert _run(program, number, args) == _decide(verdict, args)
        assert _run(program, number + 1) == FAILED | policy.DEFAULT


def test_the_reference_page_is_what_the_policy_says() -> None:
    wanted = runpy.run_path(str(ROOT / "docs/reference/system_calls.py"))["page"]()
    page = (ROOT / "docs/reference/system_calls.md").read_text()
    assert page == wanted, "it is stale: run './dev docs'"
    for name, _ in _named():
        assert f"`{name}`" in page


# --- The program, run by hand --------------------------------------------------------------------


@functools.cache
def _decode(program: bytes) -> tuple[tuple[int, int, int, int], ...]:
    return tuple((c, t, f, k) for c, t, f, k in struct.iter_unpack("=HBBI", program))


def _run(program: bytes, number: int, args: tuple[int, ...] = (), arch: int = X86_64) -> int:
    """What the program answers to a call: an interpreter of the few instructions in use."""
    words = [arg & 0xFFFF_FFFF_FFFF_FFFF for arg in (*args, *[0] * 6)[:6]]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    instructions = _decode(program)
    accumulator = position = 0
    while True:
        code, if_true, if_false, constant = instructions[position]
        position += 1
        match code:
            case 0x20:  # load
                (accumulator,) = struct.unpack_from("=I", data, constant)
            case 0x54:  # and
                accumulator &= constant
            case 0x05:  # jump
                position += constant
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x35:
                position += if_true if accumulator >= constant else if_false
            case 0x06:  # return
                return constant
            case _:
                raise AssertionError(f"instruction {code:#x} is not expected")


def _decide(verdict: policy.Verdict, args: tuple[int, ...]) -> int:
    """What the policy says to a call, without the detour through rules."""
    if isinstance(verdict, Switch):
        value = args[verdict.arg] >> 32 * verdict.high & verdict.mask
        return _decide(verdict.cases.get(value, verdict.otherwise), args)
    return ALLOWED if verdict == policy.ALLOW else FAILED | verdict


def _arguments(guard: Switch) -> Iterator[tuple[int, ...]]:
    """Arguments on and around every edge of a guard, also with rubbish in the unused half."""
    chance = random.Random(20)
    edges: dict[int, set[int]] = {}
    high = any(switch.high for switch in _switches(guard))
    for switch in _switches(guard):
        around = edges.setdefault(switch.arg, {0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF})
        for value in switch.cases:
            around |= {value, value + 1, (value - 1) & 0xFFFF_FFFF}
            around |= {value ^ 1 << bit for bit in range(64 if high else 32)}
        around |= {chance.getrandbits(32) for _ in range(50)}
    allowed = {switch.arg: [*switch.cases] for switch in _switches(guard)}
    for arg, values in edges.items():
        # One argument goes along all its edges while the others have values that count.
        others = [allowed[each] if each != arg else [0] for each in sorted(allowed)]
        for value, rest in itertools.product(sorted(values), itertools.product(*others)):
            args = [0] * 6
            for each, other in zip(sorted(allowed), rest, strict=True):
                args[each] = other
            args[arg] = value
            yield tuple(args)
            if high:
                continue
            yield tuple(each | chance.getrandbits(32) << 32 for each in args)


@pytest.mark.parametrize("arch", [X86_64, AARCH64], ids=["x86_64", "aarch64"])
def test_the_program_says_what_the_policy_says(library: seccomp._Library, arch: int) -> None:
    program = seccomp._compile(library, arch)
    checked = 0
    for name, verdict in _named(arch):
        if not library.knows(name, arch):
            continue
        number = library.number(name, arch)
        for args in _arguments(verdict) if isinstance(verdict, Switch) else [(0,) * 6]:
            assert _run(program, number, args, arch) == _decide(verdict, args), (name, args)
            checked += 1
    assert checked > 5000


@pytest.mark.parametrize("number", [470, 1000, 0x3FFF_FFFF, 0xFFFF_FFFF])
def test_a_call_that_is_not_invented_yet_is_absent(program: bytes, number: int) -> None:
    assert _run(program, number, arch=native()) == FAILED | errno.ENOSYS


@pytest.mark.parametrize(
    ("arch", "foreign"), [(X86_64, I386), (X86_64, AARCH64), (AARCH64, ARM), (AARCH64, X86_64)]
)
def test_another_architecture_is_killed(library: seccomp._Library, arch: int, foreign: int) -> None:
    program = seccomp._compile(library, arch)
    assert {_run(program, number, arch=foreign) for number in range(500)} == {KILL_PROCESS}


def test_x32_is_killed(library: seccomp._Library) -> None:
    program = seccomp._compile(library, X86_64)
    answers = {_run(program, X32_BIT | number) for number in range(600)}
    assert answers == {KILL_PROCESS}


def test_the_program_is_small_and_made_once(program: bytes) -> None:
    assert len(program) % 8 == 0
    assert len(program) // 8 < 1024
    assert filter_program() is program


# --- Where no filter can be had ------------------------------------------------------------------


def test_a_missing_library_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_LIBRARY", "libseccomp-that-nobody-has.so.2")
    with pytest.raises(SeccompUnavailable, match="cannot be loaded") as caught:
        filter_program.__wrapped__()
    assert "apt install libseccomp2" in caught.value.hint
    assert "dnf install libseccomp" in str(caught.value)


@pytest.mark.usefixtures("library")
def test_an_old_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_OLDEST", (99, 0, 0))
    with pytest.raises(SeccompUnavailable, match="is too old; drybox needs 99"):
        filter_program.__wrapped__()


@pytest.mark.usefixtures("library")
def test_an_unreviewed_architecture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_REVIEWED", {})
    with pytest.raises(SeccompUnavailable, match="not for"):
        filter_program.__wrapped__()


def test_a_kernel_without_filters_is_refused(library: seccomp._Library) -> None:
    prctl = library.number("prctl", native())
    no_filters = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 0),
            (0x15, 0, 3, prctl),
            (0x20, 0, 0, 16),
            (0x15, 0, 1, 22),
            (0x06, 0, 0, FAILED | errno.EINVAL),
            (0x06, 0, 0, ALLOWED),
        )
    )

    def ask() -> int:
        try:
            filter_program.__wrapped__()
        except SeccompUnavailable as error:
            return 0 if "CONFIG_SECCOMP_FILTER" in error.hint else 1
        return 2

    assert in_child(no_filters, ask) == 0
