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
) -> bytes:
    """Tell what it writes to its standard output, and wait for its end. Blocks.

    Args:
        process: The program; it is killed with its children where this raises.
        name: What messages call it.
        timeout: Seconds that it may take.
        most: Bytes of the end of what it says that are kept.
        on_line: Told every line.

    Returns:
        The end of what it said.

    Raises:
        TimeoutError: It took too long.
    """
    said, late = b"", threading.Event()

    def end() -> None:
        late.set()
        kill_with_children(process)

    timer = threading.Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        while line := process.stdout.readline(LONGEST_LINE):
            said = (said + line)[-most:]
            on_line(line)
        process.wait()
    except BaseException:
        kill_with_children(process)
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"{name} took longer than {timeout:g} s")
    return said
