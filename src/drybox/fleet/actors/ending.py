"""How an actor of Ray ends itself."""

from __future__ import annotations

import contextlib
import os
import threading
import time

KILL_TIMEOUT = 5.0
"""Seconds in which Ray ends an actor that asks for it; the head may be away."""


def end_actor() -> None:
    """End this actor and its process, and have nobody begin it anew.

    Ray is asked to: a process that just exits is told to every program of the cluster as one that
    has crashed. Its ``exit_actor`` waits for all calls that go on, such as those of front doors
    that wait for what ends next.
    """
    import ray

    def kill() -> None:
        with contextlib.suppress(Exception):
            ray.kill(ray.get_runtime_context().current_actor, no_restart=True)

    threading.Thread(target=kill, daemon=True).start()
    time.sleep(KILL_TIMEOUT)
    os._exit(0)
