"""Code of other languages in one session, over the same files: every pair of languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.forked import make_executor
from tests.support.isolations import Isolation

from drybox import CodeExecutor, InvalidRequest, ResourceLimits, RunResult, Session, Unsupported
from drybox.languages.registry import known_languages
from drybox.sessions.kernels.registry import KERNELS

pytestmark = [pytest.mark.promise("SES-7")]

LIMITS = ResourceLimits(memory=1 << 30, pids=256, disk=256 << 20)

CODE = {
    "python": 'text = open("shared").read() + "python "; _ = open("shared", "w").write(text)',
    "node": 'var fs = require("fs"); fs.appendFileSync("shared", "node ")',
    "typescript": 'import * as fs from "fs"; const t: string = "typescript ";'
    ' fs.appendFileSync("shared", t)',
    "bash": 'printf "bash " >> shared',
    "java": 'java.nio.file.Files.writeString(java.nio.file.Path.of("shared"), "java ",'
    " java.nio.file.StandardOpenOption.APPEND);",
    "go": 'package main\nimport "os"\nfunc main() {'
    ' f, _ := os.OpenFile("shared", os.O_APPEND|os.O_WRONLY, 0); f.WriteString("go ") }',
    "c": '#include <stdio.h>\nint main(void) { fputs("c ", fopen("shared", "a")); }',
    "cpp": '#include <fstream>\nint main() { std::ofstream("shared", std::ios::app) << "cpp "; }',
    "rust": "use std::io::Write;\nfn main() { std::fs::OpenOptions::new().append(true)"
    '.open("shared").unwrap().write_all(b"rust ").unwrap(); }',
}
"""Programs that write the language's name to the end of a file."""

KEEPS = {
    "python": ("kept = 41", "print(kept + 1)"),
    "node": ("let kept = 41", "console.log(kept + 1)"),
    "typescript": ("let kept: number = 41", "console.log(kept + 1)"),
    "bash": ("kept=41", "echo $((kept + 1))"),
    "java": ("int kept = 41;", "System.out.println(kept + 1);"),
}


@pytest.fixture(scope="module")
def languages_are_ready() -> None:
    """What the languages' toolchains need is made: sessions take what is there."""
    with CodeExecutor(isolation="local") as executor:
        for name, language in known_languages().items():
            code = language.samples.hello.replace("%d", "1")
            assert executor.execute(name, code).status == "success", name


@pytest.fixture(scope="module")
def executor(languages_are_ready: None) -> Iterator[CodeExecutor]:
    """One that begins when they are: it offers its sessions what there is then."""
    with make_executor() as executor:
        yield executor


def run(session: Session, language: str, code: str) -> RunResult:
    result = session.run(code, language=language, timeout=120)
    assert result.status == "success", (session.language, language, result)
    return result


@pytest.mark.isolations("local")
@pytest.mark.parametrize("own", sorted(CODE))
def test_code_of_every_language_runs_in_a_session_of_each(
    executor: CodeExecutor, isolation: Isolation, own: str
) -> None:
    with executor.session(own, isolation=isolation.name, limits=LIMITS) as session:
        session.files.write("shared", "")
        for other, code in CODE.items():
            run(session, other, code)
            session.restart(language=other)  # all of them at once would need much memory
        assert session.files.read("shared").decode().split() == list(CODE)


@pytest.mark.isolations("local")
def test_each_language_keeps_a_state_of_its_own(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    assert KEEPS.keys() == KERNELS.keys()
    with executor.session("c", isolation=isolation.name, limits=LIMITS) as session:
        for language, (keep, _) in KEEPS.items():
            run(session, language, keep)
        for language, (_, show) in KEEPS.items():
            assert run(session, language, show).stdout == "42\n"
        session.restart(language="node")
        assert session.run(KEEPS["node"][1], language="node").status == "failed"
        assert run(session, "python", KEEPS["python"][1]).stdout == "42\n"


@pytest.mark.isolations("local")
def test_commands_find_the_toolchains_too(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("bash", isolation=isolation.name, limits=LIMITS) as session:
        for program in ("node -p 6*7", "python3 -c 'print(42)'"):
            assert session.command(program).stdout == "42\n", program


def test_a_version_is_the_one_that_is_there_or_is_refused(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    with executor.session("python", isolation=isolation.name) as session:
        series = session.version.rpartition(".")[0]
        assert run(session, f"python@{series}", "6 * 7").results[0].data["text/plain"] == "42"
        for wanted in ("python@2.7", "node@1"):
            with pytest.raises(Unsupported) as caught:
                session.run("1", language=wanted)
            assert caught.value.hint
        with pytest.raises(InvalidRequest):
            session.run("1", language="cobol")


@pytest.mark.isolations("docker", "gvisor")
def test_an_image_has_what_it_has(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("c", isolation=isolation.name, limits=LIMITS) as session:
        session.files.write("shared", "")
        names = ("c", "bash", "python")
        for language in names:
            run(session, language, CODE[language])
        assert session.files.read("shared").decode().split() == list(names)
    with executor.session("bash", isolation=isolation.name, limits=LIMITS) as session:
        assert run(session, "bash", "echo on").stdout == "on\n"
