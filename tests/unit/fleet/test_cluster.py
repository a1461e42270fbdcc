"""What Ray says of a cluster that is not there."""

from __future__ import annotations

import pytest

from drybox import Unavailable
from drybox.executor.settings import ExecutorSettings
from drybox.fleet.cluster import RayCluster

services = pytest.importorskip("ray._private.services")


@pytest.mark.parametrize("raises", [True, False])
def test_there_is_no_cluster_here(monkeypatch: pytest.MonkeyPatch, raises: bool) -> None:
    def find(address: str) -> None:
        if raises:
            raise ConnectionError("set the flag --address")

    monkeypatch.setattr(services, "canonicalize_bootstrap_address", find)
    with pytest.raises(Unavailable, match="no Ray cluster runs on this machine"):
        RayCluster("auto", ExecutorSettings()).connect()
