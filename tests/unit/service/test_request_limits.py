"""No request gets more than the operator allows, and the operator's own defaults always do."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from drybox import ExecutionRequest, InvalidRequest, ResourceLimits
from drybox.service.request_limits import check_request_limits
from drybox.settings import ServerSettings

MOST = ResourceLimits(memory=100, cpus=2.0, pids=10, disk=100, output=100, open_files=10)
SETTINGS = ServerSettings(max_timeout=5.0, max_limits=MOST)
DEFAULTS = ResourceLimits(memory=500, cpus=1.0, pids=5, disk=50, output=50, open_files=5)
BELOW = replace(DEFAULTS, memory=50)


def request(timeout: float | None = None, limits: ResourceLimits | None = None) -> ExecutionRequest:
    return ExecutionRequest("python", "1", timeout=timeout, limits=limits)


def test_what_stays_below_passes() -> None:
    for right in (request(), request(5.0, MOST), request(0.1, BELOW)):
        check_request_limits(right, SETTINGS, DEFAULTS)


def test_a_default_above_its_ceiling_is_the_operators_own() -> None:
    check_request_limits(request(limits=DEFAULTS), SETTINGS, DEFAULTS)


@pytest.mark.parametrize("name", [item.name for item in fields(ResourceLimits)])
def test_each_limit_has_its_ceiling(name: str) -> None:
    above = replace(BELOW, **{name: 10**30})
    with pytest.raises(InvalidRequest) as caught:
        check_request_limits(request(limits=above), SETTINGS, DEFAULTS)
    assert caught.value.field == f"limits.{name}"


def test_time_has_its_ceiling() -> None:
    with pytest.raises(InvalidRequest, match="timeout"):
        check_request_limits(request(5.1), SETTINGS, DEFAULTS)
