"""Transcripts of the documents that ask a server are asked of one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.server import Server, serving
from tests.support.transcripts import pattern_of, typed_in

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120
ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):8080")
BLOCK = re.compile(r"^```console\n([\s\S]*?)^```$", re.M)
RANDOM = re.compile(r"[0-9a-f]{4,}…")
"""How an id is shown, which is another one each time."""

STARTS = ("drybox serve", "pip ")
"""Commands that come before, and are done."""


def _blocks() -> Iterator[tuple[Path, str]]:
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for text in BLOCK.findall(path.read_text()):
            if ADDRESS.search(text) and "curl" in text:
                yield path, text


BLOCKS = list(_blocks())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_they_are_found() -> None:
    names = {path.stem for path, _ in BLOCKS}
    assert names >= {"quickstart", "server", "piston", "sandbox-fusion", "sessions-http"}


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize(("path", "text"), BLOCKS, ids=[path.stem for path, _ in BLOCKS])
def test_what_a_document_asks_is_answered_so(
    path: Path, text: str, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    variables: list[str] = []
    made = ""
    for command, wanted in typed_in(text):
        if command.startswith(STARTS):
            continue
        line = RANDOM.sub(made, ADDRESS.sub(f"127.0.0.1:{server.port}", command))
        if re.fullmatch(r"\w+=\S*", line):
            variables.append(line)
            continue
        script = "\n".join([*variables, line.replace("curl ", "curl --silent --show-error ")])
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=tmp_path,
            env={**os.environ, "no_proxy": "*"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert (done.returncode, done.stderr) == (0, ""), script
        came = done.stdout if done.stdout.endswith("\n") or not done.stdout else f"{done.stdout}\n"
        pattern = pattern_of(RANDOM.sub("…", wanted))
        assert re.fullmatch(pattern + r"\n*", came), f"{path}\n$ {command}\n{came}"
        found = re.match(r'\{"id": "(\w+)"', came)
        made = found[1] if found else made
