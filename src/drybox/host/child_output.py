"""What a program says that runs beside drybox, line by line, until it ends."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

from drybox.host.children import kill_with_children

LONGEST_LINE = 256 * 1024
"""Bytes after which a line is told in parts."""


def follow_output(
    process: subprocess.Popen[bytes],
    name: str,
    timeout: float,
    most: int,
    on_line: Callable[[bytes], None],
    *,
    end: Callable[[subprocess.Popen[bytes]], None] = kill_with_children,
) -> bytes:
    """Tell what it writes to its standard output, and wait for its end. Blocks.

    Args:
        process: The program; it is killed where this raises.
        name: What messages call it.
        timeout: Seconds that it may take.
        most: Bytes of the end of what it says that are kept.
        on_line: Told every line.
        end: What kills it, with all that it has started.

    Returns:
        The end of what it said.

    Raises:
        TimeoutError: It took too long.
    """
    said, late = b"", threading.Event()

    def expire() -> None:
        late.set()
        end(process)

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        while line := process.stdout.readline(LONGEST_LINE):
            said = (said + line)[-most:]
            on_line(line)
        process.wait()
    except BaseException:
        end(process)
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"{name} took longer than {timeout:g} s")
    return said
