"""Cells show the same in drybox's kernel of Python as in ipykernel, by their messages."""

from __future__ import annotations

import json
import queue
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.fidelity.kernels.notebooks import DIFFERENT, NOTEBOOKS
from tests.support.kernel_process import Cell, KernelProcess

from drybox.sessions.kernels.folder import PACKAGES, kernel_folder

pytestmark = pytest.mark.promise("SES-4")

TIMEOUT = 120
BINARY = re.compile(r"image/(?!svg)|application/pdf")
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_VOLATILE = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x"),
    (re.compile(r"<ipython-input-\d+-[0-9a-f]+>|(?:[^\s\"]*/ipykernel_\d+/)?\b\d+\.py"), "<cell>"),
    (re.compile(r'[^\s"]*/(?=IPython/)'), ""),
    (re.compile("\r\n"), "\n"),  # a command of theirs has a terminal
    (re.compile(r"(Wall|CPU) times?: .*"), "times"),
    (re.compile(r"(?m)^.*(?:interactiveshell\.py:\d+|formatters\.py:\d+).*$"), "<ipython>"),
)


@dataclass
class Shown:
    """What a cell shows, in a form that both kernels have."""

    stdout: str = ""
    stderr: str = ""
    displays: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: tuple[str, str, str] | None = None
    execution_count: int = 0


def _plain(text: str) -> str:
    text = _COLOURS.sub("", text)
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


def _forms(data: dict[str, Any]) -> dict[str, Any]:
    """Texts as they are, and of binary forms that they are there: two pictures may differ."""
    return {
        mime: "binary"
        if BINARY.match(mime)
        else _plain(form if isinstance(form, str) else json.dumps(form))
        for mime, form in data.items()
    }


def _outline(trace: str) -> str:
    """The first and the last line: what is between depends on what IPython finds of a source."""
    lines = trace.strip().splitlines() or [""]
    return f"{lines[0]} … {lines[-1]}"


class Jupyter:
    """A real ipykernel, through jupyter_client."""

    def __init__(self, cwd: Path) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(cwd))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)

    def run(self, code: str) -> Shown:
        shown = Shown()
        number = self.client.execute(code, allow_stdin=False)
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                old = getattr(shown, content["name"])
                setattr(shown, content["name"], old + content["text"])
            elif kind in ("display_data", "execute_result"):
                word = "result" if kind == "execute_result" else "display"
                shown.displays.append((word, _forms(content["data"])))
            elif kind == "status" and content["execution_state"] == "idle":
                break
        answer = self.client.get_shell_msg(timeout=TIMEOUT)
        while answer["parent_header"].get("msg_id") != number:
            answer = self.client.get_shell_msg(timeout=TIMEOUT)
        reply = answer["content"]
        shown.execution_count = reply["execution_count"]
        if reply["status"] == "error":
            trace = "\n".join(reply["traceback"])
            shown.error = (reply["ename"], _plain(reply["evalue"]), _outline(_plain(trace)))
        shown.stdout, shown.stderr = _plain(shown.stdout), _plain(shown.stderr)
        return shown

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def ours(cell: Cell) -> Shown:
    shown = Shown(_plain(cell.stdout), _plain(cell.stderr))
    for answer in cell.answers:
        if answer["type"] in ("display", "result"):
            shown.displays.append((answer["type"], _forms(answer["data"])))
    if cell.error:
        words = (cell.error[key] for key in ("name", "value", "traceback"))
        name, value, trace = map(_plain, words)
        shown.error = (name, value, _outline(trace))
    shown.execution_count = cell.done["execution_count"]
    return shown


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[tuple[Jupyter, KernelProcess]]:
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jupyter = Jupyter(tmp_path / "theirs")
    try:
        folder = kernel_folder()
        argv = [sys.executable, f"{folder}/python_kernel.py", f"{folder}/{PACKAGES}"]
        with KernelProcess(argv, tmp_path / "ours") as kernel:
            yield jupyter, kernel
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jupyter.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_shows_the_same(kernels: tuple[Jupyter, KernelProcess], name: str) -> None:
    jupyter, kernel = kernels
    different = []
    for code in NOTEBOOKS[name]:
        try:
            theirs = jupyter.run(code)
        except queue.Empty:
            pytest.fail(f"ipykernel does not answer to {code!r}")
        own = ours(kernel.run(code))
        if code in DIFFERENT:
            assert own.error, code
            assert own.error[0] == DIFFERENT[code], code
            own.error = theirs.error
        if own != theirs:
            different.append(f"{code!r}\n  theirs {theirs}\n  ours   {own}")
    assert not different, "\n".join(different)


def test_there_are_enough_cells() -> None:
    assert sum(map(len, NOTEBOOKS.values())) >= 60
