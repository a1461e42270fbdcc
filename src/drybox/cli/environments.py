"""``drybox env``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drybox.cli.configuration import configuration
from drybox.cli.program.completion import complete_environment, complete_isolation
from drybox.cli.progress import bar, is_on_terminal
from drybox.cli.progress import progress as progress_on_stderr
from drybox.cli.wording import printable
from drybox.errors import DryboxError, InvalidRequest, Unavailable
from drybox.execution.validation import ISOLATIONS
from drybox.serialization import plain
from drybox.units import show_size

if TYPE_CHECKING:
    from drybox import CodeExecutor
    from drybox.environments.info import EnvironmentInfo
    from drybox.environments.store import EnvironmentStore

FAILED = 1
"""Exit code where an environment could not be built: as of ``drybox run`` where packages could not
be installed."""

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
ISOLATION = click.option(
    "--isolation",
    metavar="ISOLATION",
    shell_complete=complete_isolation,
    help=f"The isolation that it is for: {', '.join(ISOLATIONS)}.  [default: auto]",
)


@click.group()
def env() -> None:
    """Build, list and remove environments: packages that are there before the request.

    They are named in the configuration: language and packages of [environments.NAME].
    """


@env.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_environment)
@click.option(
    "--lock",
    type=click.Path(exists=True, dir_okay=False),
    help="Build exactly what this file says, as 'drybox env lock' wrote it.",
)
@ISOLATION
@JSON
def build(names: tuple[str, ...], lock: str | None, isolation: str | None, as_json: bool) -> int:
    """Build these environments; all that are configured if none is named.

    One that is there and whose packages have not been locked anew costs nothing, and no network.
    """
    if lock is not None and len(names) != 1:
        raise click.UsageError("--lock is of one environment: name that one.")
    documents, code = [], 0
    if not configuration().executor.environments:
        _tell_none()
    with _executor() as executor:
        for name in _known(executor, names):
            with _progress(name) as progress:
                try:
                    info = executor.build_environment(
                        name, isolation=isolation, lock=lock, progress=progress
                    )
                except InvalidRequest:
                    raise
                except DryboxError as error:
                    documents.append(_failure(name, error))
                    code = FAILED
                    continue
            documents.append({**plain(info), "error": None})
            if not as_json:
                click.echo(_line(info))
    if as_json:
        click.echo(json.dumps({"environments": documents}))
    return code


@env.command("list")
@ISOLATION
@JSON
def list_(isolation: str | None, as_json: bool) -> None:
    """List the environments, and whether they are built."""
    with _executor(isolation) as executor:
        found = executor.environments()
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    for info in found:
        click.echo(_line(info))
        if info.hint:
            click.echo(f"{'':16} {info.hint}")
    if not found:
        _tell_none()


@env.command()
@click.argument("name", shell_complete=complete_environment)
@click.option("--cyclonedx", is_flag=True, help="Print a CycloneDX bill of materials, in JSON.")
@ISOLATION
@JSON
def show(name: str, cyclonedx: bool, isolation: str | None, as_json: bool) -> int:
    """Show what is in an environment: versions, licences and sizes."""
    from drybox.environments.materials import bill_of_materials

    with _executor(isolation) as executor:
        _known(executor, (name,))
        info = next(item for item in executor.environments() if item.name == name)
    if cyclonedx and not info.built:
        _failure(
            name,
            Unavailable(
                f"environment {name!r} is not built, so it is not known what is in it.",
                hint=info.hint,
            ),
        )
        return FAILED
    if cyclonedx:
        click.echo(json.dumps(bill_of_materials(info), indent=2))
        return 0
    if as_json:
        click.echo(json.dumps(plain(info)))
        return 0
    click.echo(_line(info))
    for label, value in (
        ("digest", info.digest),
        ("for", info.target),
        ("built", info.built_at),
        ("preloads", ", ".join(info.preload)),
        ("hint", info.hint),
    ):
        if value:
            click.echo(f"  {label:9} {value}")
    names = max((len(item.name) for item in info.packages), default=0)
    versions = max((len(item.version or "") for item in info.packages), default=0)
    for item in info.packages:
        size = show_size(item.size) if item.size else ""
        words = f"{item.name:{names}} {item.version or '':{versions}}"
        click.echo(printable(f"  {words} {size:>10}  {item.licence}".rstrip()))
    return 0


@env.command()
@click.argument("name", shell_complete=complete_environment)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write it there.")
@ISOLATION
@JSON
def lock(name: str, output: str | None, isolation: str | None, as_json: bool) -> int:
    """Find out anew which packages an environment has, and lock them with their hashes.

    The next 'drybox env build' builds exactly that. The lock goes to standard output, or to a file
    that 'drybox env build --lock' takes, on another machine too.
    """
    with _executor() as executor, _progress(name) as progress:
        _known(executor, (name,))
        try:
            text = executor.lock_environment(name, isolation=isolation, progress=progress)
        except InvalidRequest:
            raise
        except DryboxError as error:
            document = _failure(name, error)
            if as_json:
                click.echo(json.dumps(document))
            return FAILED
    if output is not None:
        from drybox.environments.store import write_whole

        try:
            write_whole(Path(output), text)
        except OSError as error:
            raise InvalidRequest(
                "--output",
                f"{output!r} cannot be written: {error.strerror}",
                hint="The lock is kept beside the environments all the same; name another file.",
            ) from error
        text = json.dumps({"name": name, "output": output}) if as_json else output
    click.echo(text.rstrip())
    return 0


@env.command()
@click.argument("name", shell_complete=complete_environment)
@JSON
def remove(name: str, as_json: bool) -> None:
    """Remove what is built of an environment; what runs in it keeps it until it ends."""
    from drybox.environments.environment import by_name, find_environment

    store, known = _store(), by_name(configuration().executor.environments)
    found = [record for record in store.records() if record.name == name]
    if not found or name in known:
        # Others of the same packages share what is built; what was built of others stays.
        own = store.of(find_environment(name, known))
        others = [item for item in known.values() if item.name != name]
        theirs = {record.key for item in others for record in store.of(item)}
        found = own + [item for item in found if item.key not in theirs and item not in own]
    gone = [record.digest for record in found if store.forget(record)]
    kept = sorted({record.digest for record in found} - set(gone))
    if as_json:
        click.echo(json.dumps({"name": name, "removed": gone, "kept": kept}))
        return
    for digest in gone:
        click.echo(f"removed: {name}@{digest}")
    for digest in kept:
        click.echo(f"in use, goes with 'drybox env prune' later: {name}@{digest}")
    if not found:
        click.echo(f"{name} is not built.")


@env.command()
@JSON
def prune(as_json: bool) -> None:
    """Remove what no environment of the configuration needs any more: builds and archives."""
    gone, freed = _store().prune(configuration().executor.environments)
    if as_json:
        click.echo(json.dumps({"removed": gone, "freed": freed}))
        return
    for name in gone:
        click.echo(f"removed: {name}")
    click.echo(f"{len(gone)} removed, {show_size(freed)} free.")


def _tell_none() -> None:
    click.echo("None is configured: see [environments.NAME] in the configuration.", err=True)


def _store() -> EnvironmentStore:
    from drybox.environments.store import EnvironmentStore

    return EnvironmentStore(configuration().executor.environment_dir)


@contextmanager
def _executor(isolation: str | None = None) -> Iterator[CodeExecutor]:
    from drybox import CodeExecutor

    settings = replace(configuration().executor, progress=progress_on_stderr(), pool=None)
    if isolation is not None:
        settings = replace(settings, isolation=isolation)
    with CodeExecutor(**settings.changed()) as executor:
        yield executor


def _known(executor: CodeExecutor, names: tuple[str, ...]) -> tuple[str, ...]:
    """These names, or all; a wrong one is told before anything is done."""
    from drybox.environments.environment import by_name, find_environment

    known = by_name(configuration().executor.environments)
    return tuple(find_environment(name, known).name for name in names) or tuple(known)


def _line(info: EnvironmentInfo) -> str:
    state = f"built, {show_size(info.size or 0)}" if info.built else "not built"
    version = f"{info.language} {info.version}" if info.version else info.language
    return f"{info.name:16} {version:16} {state:18} {len(info.packages)} packages"


def _failure(name: str, error: DryboxError) -> dict[str, Any]:
    """Tell of a build that failed; it as a document."""
    output = str(getattr(error, "output", ""))
    # What a package or its maker says is in all of them.
    click.echo(f"drybox: {printable(error.message)}", err=True)
    click.echo(f"  hint: {printable(error.hint)}", err=True)
    if output.strip():
        click.echo(printable(output.rstrip(), keep="\n\t"), err=True)
    told = {"type": type(error).__name__, "message": error.message, "hint": error.hint}
    return {"name": name, "built": False, "error": told, "output": output}


@contextmanager
def _progress(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """How far a build is, on stderr: a bar on a terminal, else a line for each thing done."""
    is_terminal = is_on_terminal()
    last = ""

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        what = printable(what)
        if is_terminal:
            text = bar(f"{name}: {what}", done, total)
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
        elif what != last:
            click.echo(f"drybox: {name}: {what} ...", err=True)
        last = what

    try:
        yield show
    finally:
        if is_terminal and last:
            click.echo("\r\x1b[K", err=True, nl=False)
