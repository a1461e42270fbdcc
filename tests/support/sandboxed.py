"""Programs that tests run in sandboxes and look at from outside."""

from __future__ import annotations

ANEW = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', {!r}, *sys.argv[1:]])"
"""Starts the interpreter anew, so that its arguments can be seen: a warm one's cannot."""

HANG = ANEW.format("import sys, time; print('ready', *sys.argv[1:], flush=True); time.sleep(600)")
"""Says that it is ready and what its arguments are, and stays."""
