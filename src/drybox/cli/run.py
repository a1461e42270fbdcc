"""``drybox run``."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from drybox.cli.configuration import configuration
from drybox.cli.interrupt import Interruption, run_until_interrupted
from drybox.cli.output import Streams, write
from drybox.cli.program.artifacts import check_folder, write_artifacts
from drybox.cli.program.completion import (
    complete_environment,
    complete_file,
    complete_folder,
    complete_guarantee,
    complete_isolation,
    complete_language,
)
from drybox.cli.program.shebang import ScriptCommand
from drybox.cli.program.source import read_source
from drybox.cli.progress import progress
from drybox.cli.wording import error_in_options, telling_options
from drybox.environments.environment import by_name, find_environment
from drybox.errors import DryboxError
from drybox.execution.texts import MAX_STDIN
from drybox.execution.validation import ISOLATIONS
from drybox.model import ExecutionRequest, ExecutionResult, ResourceLimits
from drybox.units import parse_duration, parse_size

if TYPE_CHECKING:
    from drybox.job import Source as StdinSource


EXIT_CODES = {
    "success": 0,
    "timeout": 124,
    "output_limit": 125,
    "sandbox_error": 125,
    "memory_limit": 137,
    "compile_error": 1,
    "install_error": 1,
}
CHUNK = 64 * 1024


class Unit(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """An option that takes a size or a duration."""

    def __init__(self, name: str, parse: Callable[[str, str], float]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse the option's text."""
        try:
            return self._parse(str(value), str(param.name) if param else "value")
        except DryboxError as error:
            self.fail(str(error), param, ctx)


SIZE = Unit("size", parse_size)


def _environment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and "=" in value:  # as other programs have it
        raise click.UsageError(f"-e names an environment; write --env {value} for a variable.")
    return value


@click.command(
    cls=ScriptCommand,
    epilog="Exit code: the program's own; 128+N for its signal N; 124 timeout; 137 memory limit; "
    "125 output limit or drybox failed; 1 compile or install error; 2 misuse.",
)
@click.argument("source", metavar="[FILE|DIR|-]", required=False, shell_complete=complete_file)
@click.argument("args", nargs=-1)
@click.option(
    *("-l", "--language"),
    metavar="LANG",
    help="Language, such as python or python@3.11.",
    shell_complete=complete_language,
)
@click.option(
    *("-e", "--environment"),
    metavar="NAME",
    callback=_environment,
    shell_complete=complete_environment,
    help="Run it with the packages of this environment.",
)
@click.option("-c", "--code", help="Run this source instead of a file.")
@click.option(
    "--file",
    "data",
    multiple=True,
    metavar="PATH[=NAME]",
    help="Put this file or folder beside the program.",
    shell_complete=complete_file,
)
@click.option(
    *("-t", "--timeout"),
    type=Unit("duration", parse_duration),
    help="Wall time.  [default: 30s]",
)
@click.option("--memory", type=SIZE, help="Memory, including files.  [default: 256m]")
@click.option("--cpus", type=float, help="CPU time per wall time.  [default: 1.0]")
@click.option("--pids", type=int, help="Processes and threads.  [default: 64]")
@click.option("--disk", type=SIZE, help="Bytes of all files.  [default: 64m]")
@click.option("--output", type=SIZE, help="Bytes of each stream.  [default: 1m]")
@click.option(
    "--isolation",
    metavar="ISOLATION",
    shell_complete=complete_isolation,
    help=f"The isolation: {', '.join(ISOLATIONS)}.  [default: auto]",
)
@click.option("--package", "packages", multiple=True, metavar="NAME", help="Install this first.")
@click.option(
    "--package-dir",
    metavar="DIR",
    shell_complete=complete_folder,
    help="Folder of packages, by language.",
)
@click.option("--env", multiple=True, metavar="K=V", help="Set an environment variable.")
@click.option(
    "--artifact", "artifacts", multiple=True, metavar="GLOB", help="Bring these files back."
)
@click.option(
    "--artifact-dir",
    default="artifacts",
    show_default=True,
    shell_complete=complete_folder,
    help="Where to put them.",
)
@click.option(
    "--entrypoint",
    metavar="PATH",
    shell_complete=complete_file,
    help="The entry file of a folder.",
)
@click.option("--stdin", "stdin_file", type=click.File("rb"), help="Read the program's input here.")
@click.option(
    "--allow-weaker",
    multiple=True,
    metavar="WHAT[,...]",
    shell_complete=complete_guarantee,
    help="Run without these guarantees.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def run(
    source: str | None,
    args: tuple[str, ...],
    language: str | None,
    environment: str | None,
    code: str | None,
    data: tuple[str, ...],
    timeout: float | None,
    memory: int | None,
    cpus: float | None,
    pids: int | None,
    disk: int | None,
    output: int | None,
    isolation: str | None,
    packages: tuple[str, ...],
    package_dir: str | None,
    env: tuple[str, ...],
    artifacts: tuple[str, ...],
    artifact_dir: str,
    entrypoint: str | None,
    stdin_file: BinaryIO | None,
    allow_weaker: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a program in a sandbox: a FILE, a folder, '-' for standard input, or --code.

    \b
    drybox run hello.py
    drybox run -l go -c 'package main; func main() { println("hi") }'
    drybox run project/ --entrypoint src/app/Main.java -- first second
    drybox run -l python <hello.py
    """  # noqa: D301  # click reads the backspace as "leave these lines as they are"
    if code is not None and source is not None:
        args, source = (source, *args), None
    config = configuration()
    given = {"memory": memory, "cpus": cpus, "pids": pids, "disk": disk, "output": output}
    changed: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
    limits = replace(config.executor.limits or ResourceLimits(), **changed)
    options = {**config.executor_options(), "compile_cache": None}  # nothing comes again
    if allow_weaker:
        options["allow_weaker"] = allow_weaker
    if package_dir is not None:
        options["package_dir"] = package_dir
    with telling_options():
        if environment is not None and language is None and source in (None, "-"):
            known = by_name(config.executor.environments)
            language = find_environment(environment, known).language
        if artifacts and not as_json:
            check_folder(artifact_dir)
        program = read_source(source, language, code, entrypoint, data, limits.disk)
        request = ExecutionRequest(
            program.language,
            program.code,
            files=program.files or None,
            entrypoint=program.entrypoint,
            args=args,
            env=_variables(env),
            timeout=timeout,
            limits=limits,
            packages=packages,
            artifacts=artifacts,
            isolation=isolation,
            environment=environment,
        )
        stdin: StdinSource | None = None
        if stdin_file is not None:
            request = replace(request, stdin=stdin_file.read(MAX_STDIN + 1))
        elif source not in ("-", None) or code is not None:
            stdin = _standard_input  # else the source has been read from it
        interruption = Interruption() if as_json else None  # its document tells what there was
        result = _execute(request, options, stdin, interruption)
    result = replace(result, error=error_in_options(result.error))
    if as_json:
        click.echo(result.to_json())
    elif result.error is not None:
        click.echo(f"drybox: {result.error.message}", err=True)
        click.echo(f"  hint: {result.error.hint}", err=True)
    if artifacts and not as_json:
        write_artifacts(result.artifacts, artifact_dir)
    if interruption is not None and interruption.came:
        raise KeyboardInterrupt
    return exit_code(result)


def exit_code(result: ExecutionResult) -> int:
    """What ``drybox run`` ends with, as its help lists it."""
    if result.status in EXIT_CODES:
        return EXIT_CODES[result.status]
    if result.signal is not None:
        name, _, offset = result.signal.partition("+")
        if name[3:].isdigit():
            return 128 + int(name[3:])
        return 128 + signal.Signals[name] + int(offset or 0)
    return result.exit_code or 0


def _execute(
    request: ExecutionRequest,
    options: Mapping[str, Any],
    stdin: StdinSource | None,
    interruption: Interruption | None,
) -> ExecutionResult:
    """Run it.

    Args:
        request: The program.
        options: What its executor is made with.
        stdin: Gives its input; the request's own if None.
        interruption: Has an interrupt end the program alone, whose output waits for its end; None
            for output as it comes.
    """
    from drybox import AsyncCodeExecutor

    gc.freeze()
    gc.enable()
    streams = Streams()

    async def follow() -> ExecutionResult:
        async with (
            AsyncCodeExecutor(**{**options, "progress": progress(), "pool": None}) as executor,
            executor.stream(request, stdin=stdin) as events,
        ):
            async for event in events:
                if interruption is not None:
                    interruption.end = events.kill
                elif event.data_bytes:
                    fd = 1 if event.type == "stdout" else 2
                    await write(fd, streams.shown(fd, event.data_bytes))
                if event.result is not None:
                    return event.result
        raise AssertionError("a stream ends with its result")

    return run_until_interrupted(follow, interruption)


async def _standard_input() -> bytes:
    import anyio

    try:
        await anyio.wait_readable(0)
    except OSError:
        pass  # a regular file or /dev/null: a read does not wait
    try:
        return os.read(0, CHUNK)
    except OSError:  # closed, or a terminal that is not ours
        return b""


def _variables(pairs: tuple[str, ...]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--env {pair}: write it NAME=VALUE.")
        variables[name] = value
    return variables
