"""CPU time of executions, as the kernel counts it for their sandboxes."""

from __future__ import annotations


class CpuMeter:
    """CPU time of one execution, however it ended: of everything that ran in its sandbox.

    It is known when the execution is over. Getting the sandbox ready counts too, and so does what
    failed, was compiled or was ended because nobody waited for it any more.

    Attributes:
        seconds: CPU seconds so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """So many more were used."""
        self.seconds += seconds
