"""The executor of the suites behind the fork server tells each problem once."""

from __future__ import annotations

import logging

import pytest
from tests.support.forked import LOGGERS, ForkedExecutor


def test_a_problem_fails_one_execution_and_none_after_it() -> None:
    executor = ForkedExecutor(isolation="local")
    try:
        logging.getLogger("drybox.pool").warning("no template")
        with pytest.raises(AssertionError, match="no template"):
            executor.check_problems()
        executor.check_problems()
    finally:
        executor.close()
    logging.getLogger("drybox.local").warning("of another executor")
    executor.check_problems()
    assert not any(
        type(handler).__name__ == "_Problems"
        for name in LOGGERS
        for handler in logging.getLogger(name).handlers
    )
