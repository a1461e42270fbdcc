"""How many sandboxes run at once by default."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import AsyncCodeExecutor, ResourceLimits
from drybox.executor.concurrency import SHARE, default_concurrency
from drybox.host.resources import usable_cpus, usable_memory

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("each", "cpus", "memory", "expected"),
    [
        (256 * MIB, 2, 24 * GIB, 4),
        (256 * MIB, 64, 16 * GIB, 48),
        (1 * GIB, 8, 4 * GIB, 3),
        (4 * GIB, 8, 2 * GIB, 1),
    ],
)
def test_cpus_or_memory_bound_it(each: int, cpus: int, memory: int, expected: int) -> None:
    assert default_concurrency(each, cpus, memory) == expected


@given(st.integers(0, 1 << 45), st.integers(1, 4096), st.integers(0, 1 << 45))
def test_all_together_fit_and_one_always_runs(each: int, cpus: int, memory: int) -> None:
    found = default_concurrency(each, cpus, memory)
    assert 1 <= found <= 2 * cpus
    assert found == 1 or found * each <= SHARE * memory


def test_the_machine_is_asked() -> None:
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)
    assert 64 * MIB < usable_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_an_executor_counts_the_hungriest_phase() -> None:
    huge = ResourceLimits(memory=usable_memory())
    assert AsyncCodeExecutor(limits=huge).concurrency == 1
    assert AsyncCodeExecutor(compile_limits=huge).concurrency == 1
    assert AsyncCodeExecutor(install_limits=huge).concurrency == 1
    assert AsyncCodeExecutor(limits=huge, concurrency=7).concurrency == 7
