"""The code blocks of the documents are run: Sybil finds them, and these evaluators know how.

A block that cannot run in a test has the reason in a comment before it:
``<!-- skip: next "…" -->``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from sybil import Document, Example, Sybil
from sybil.evaluators.skip import Skipper
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from tests.support.cli import DRYBOX
from tests.support.packages import make_wheel
from tests.support.transcripts import pattern_of, typed_in

from drybox import load_config

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 300.0  # a language's first program may wait until its toolchain is prepared
MARK = "--- the next command ---"


def _path() -> str:
    """The commands of drybox's own Python; before them Go as the other tests find it.

    A Go that came as a wheel would have to compile its standard library for these tests alone.
    """
    folders = [str(Path(DRYBOX).parent), os.environ["PATH"]]
    go = shutil.which("go")
    if go is not None and not Path(go).with_name("python3").exists():
        folders.insert(0, str(Path(go).parent))
    return os.pathsep.join(folders)


ENVIRONMENT = {**os.environ, "PATH": _path()}


# --- what a block of each language has to do; the current folder is the document's own ---------


def _run_python(example: Example) -> None:
    """A block is a program of its own, without a warning."""
    done = _run([sys.executable, "-W", "error", "-c", example.parsed])
    assert done.returncode == 0, done.stdout


def _run_shell(example: Example) -> None:
    done = _run(["bash", "-ec", example.parsed])
    assert done.returncode == 0, done.stdout


def _run_console(example: Example) -> None:
    """What is typed gives what the document shows."""
    typed = typed_in(example.parsed)
    script = "".join(
        f"{command}\n__code=$?\nprintf '%s\\n' '{MARK}'\n(exit $__code)\n" for command, _ in typed
    )
    came = _run(["bash", "-c", script]).stdout.split(f"{MARK}\n")
    assert len(came) == len(typed) + 1, came
    for (command, wanted), output in zip(typed, came, strict=False):
        lines = [line for line in output.splitlines(True) if "(once" not in line]
        assert re.fullmatch(pattern_of(wanted), "".join(lines)), f"$ {command}\n{output}"


def _load_toml(example: Example) -> None:
    """A block is a whole configuration; digests in it may be left out."""
    Path("drybox.toml").write_text(example.parsed.replace("sha256:…", f"sha256:{'0' * 64}"))
    load_config("drybox.toml")


def _load_yaml(example: Example) -> None:
    assert yaml.safe_load(example.parsed)


def _load_json(example: Example) -> None:
    json.loads(example.parsed)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        env=ENVIRONMENT,
    )


EVALUATORS: dict[str, Callable[[Example], None]] = {
    "console": _run_console,
    "json": _load_json,
    "python": _run_python,
    "sh": _run_shell,
    "toml": _load_toml,
    "yaml": _load_yaml,
}
SYBIL = Sybil(
    [
        SkipParser(),
        *(CodeBlockParser(language, run) for language, run in EVALUATORS.items()),
    ],
    path=str(ROOT),
)


FILES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _blocks() -> Iterator[tuple[Example, ...]]:
    """Each block of the documents, behind the comment that has it skipped, if there is one."""
    for path in FILES:
        before: tuple[Example, ...] = ()
        for example in SYBIL.parse(path).examples():
            if isinstance(example.region.evaluator, Skipper):
                before = (example,)
            else:
                yield (*before, example)
                before = ()


def _name(block: tuple[Example, ...]) -> str:
    return f"{Path(block[-1].path).relative_to(ROOT)}:{block[-1].line}"


# --- tests -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Document], Path]:
    """A folder for each document, with the files that its blocks name."""
    made: dict[str, Path] = {}

    def folder(document: Document) -> Path:
        if document.path not in made:
            path = made[document.path] = tmp_path_factory.mktemp("document")
            shutil.copy(ROOT / "README.md", path)
            if document.path.endswith("packages.md"):
                _make_requests(path)
        return made[document.path]

    return folder


def _make_requests(folder: Path) -> None:
    """A package of the name that the guide shows, for there is no network."""
    wheels = folder / "packages/python"
    wheels.mkdir(parents=True)
    make_wheel(wheels, "requests", "2.32.3", {"requests.py": "__version__ = '2.32.3'\n"})
    (folder / "fetch.py").write_text("import requests\nprint(requests.__version__)\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("block", list(_blocks()), ids=_name)
def test_a_block_does_what_the_document_says(
    block: tuple[Example, ...],
    folders: Callable[[Document], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folders(block[-1].document))
    for example in block:
        example.evaluate()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_whatever_is_not_run_has_a_reason(path: Path) -> None:
    text = path.read_text()
    for mark in re.findall(r"<!--+ *skip.*?-->", text, re.DOTALL):
        assert re.fullmatch(r'<!-- skip: next "[^"]{8,}" -->', mark), mark
        for test in re.findall(r"tests/\S+\.py", mark):
            assert (ROOT / test).is_file(), mark
    after = re.findall(r"^<!-- skip.*\n+(.*)", text, re.MULTILINE)
    assert all(line.startswith("```") for line in after), after


def test_blocks_of_every_language_are_run_and_plain_ones_are_no_commands() -> None:
    for path in FILES:
        for language, text in re.findall(r"^```(.*)\n([\s\S]*?)^```$", path.read_text(), re.M):
            assert language in (*EVALUATORS, ""), f"{path}: {language}"
            assert language or not re.search(r"^(\$|curl|docker|pip) ", text, re.M), path


def test_a_transcript_that_is_wrong_is_found() -> None:
    assert re.fullmatch(pattern_of("…\nb\nc…\n"), "a\na\nb\ncd")
    assert re.fullmatch(pattern_of('{"a": 1, …, "b": …}\n'), '{"a": 1, "x": {}, "b": "c"}\n')
    assert not re.fullmatch(pattern_of('{"a": 1, …}\n'), '{"a": 2, "b": 3}\n')
    for output in ("b\nx\n", "a\nb\n", ""):
        assert not re.fullmatch(pattern_of("b\nc\n"), output)
    assert typed_in("$ a 'b\nc'\nout\n$ echo $?\n0\n") == [
        ("a 'b\nc'", "out\n"),
        ("echo $?", "0\n"),
    ]


@pytest.mark.parametrize(
    "block",
    [
        "python\nraise SystemExit(1)",
        "console\n$ echo a\nb",
        "sh\nfalse",
        "toml\nno_such_key = 1",
        "json\n{",
        "yaml\n{",
    ],
)
def test_a_block_that_is_wrong_fails(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong.md"
    path.write_text(f"# Wrong\n\n```{block}\n```\n")
    (example,) = SYBIL.parse(path).examples()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception):  # noqa: B017, PT011
        example.evaluate()
