"""``drybox session``: the sessions of a server."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import click

from drybox.cli.program.completion import (
    complete_file,
    complete_folder,
    complete_isolation,
    complete_language,
)
from drybox.cli.run import EXIT_CODES, SIZE, Unit
from drybox.cli.session.copying import download, upload
from drybox.cli.session.remote import Remote, session_path
from drybox.cli.session.results import EXIT_STATUS, Shown
from drybox.cli.wording import printable
from drybox.errors import SandboxLost
from drybox.units import parse_duration

DURATION = Unit("duration", parse_duration)
INTERRUPTED = 130
_IN_SESSION = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{7,}):(.*)", re.DOTALL)


def _server(url: str | None) -> Remote:
    above: str | None = click.get_current_context().find_object(str)
    found = url or above or os.environ.get("DRYBOX_SERVER")
    if not found:
        raise click.UsageError("no server: name one with --server URL, or in DRYBOX_SERVER.")
    return Remote(found, os.environ.get("DRYBOX_KEY", ""))


_url = click.option(
    "--server", "url", metavar="URL", help="The server; DRYBOX_SERVER if none is named."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(epilog="The key, if the server asks for one, is read from DRYBOX_KEY.")
@_url
@click.pass_context
def session(ctx: click.Context, url: str | None) -> None:
    """Sessions of a server: sandboxes that are kept, with their state and files."""
    ctx.obj = url


@session.command()
@click.option(
    *("-l", "--language"),
    metavar="LANG",
    default="python",
    show_default=True,
    shell_complete=complete_language,
)
@click.option("-e", "--environment", metavar="NAME", help="With the packages of this environment.")
@click.option("--idle-timeout", type=DURATION, help="Closed after so long a pause.")
@click.option("--max-lifetime", type=DURATION, help="Closed after this time in any case.")
@click.option("-t", "--timeout", type=DURATION, help="Of each run and command that names none.")
@click.option("--memory", type=SIZE, help="Memory, including files.")
@click.option("--cpus", type=float, help="CPU time per wall time.")
@click.option("--pids", type=int, help="Processes and threads.")
@click.option("--disk", type=SIZE, help="Bytes of all files.")
@click.option("--output", type=SIZE, help="Bytes of each stream of a run.")
@click.option(
    "--isolation",
    metavar="ISOLATION",
    shell_complete=complete_isolation,
    help="The isolation.",
)
@click.option("--env", multiple=True, metavar="K=V", help="Set an environment variable.")
@click.option("--metadata", multiple=True, metavar="K=V", help="A word of your own about it.")
@click.option("--snapshot", metavar="ID", help="Begin with the files of this snapshot.")
@_url
@_as_json
def start(url: str | None, *, as_json: bool, **given: Any) -> int:
    """Open a session, and print its id."""
    request = {name: value for name, value in given.items() if value not in (None, ())}
    limits = {
        name: request.pop(name)
        for name in ("memory", "cpus", "pids", "disk", "output")
        if name in request
    }
    for name in ("env", "metadata"):
        if name in request:
            request[name] = _pairs(f"--{name}", request[name])
    if limits:
        request["limits"] = limits
    opened = _server(url).ask("POST", "/v1/sessions", request, waits=True)
    click.echo(json.dumps(opened) if as_json else opened["id"])
    return 0


@session.command(name="list")
@_url
@_as_json
def list_sessions(url: str | None, *, as_json: bool) -> int:
    """List the sessions that are open."""
    found = _server(url).ask("GET", "/v1/sessions")
    if as_json:
        click.echo(json.dumps(found))
        return 0
    for item in found:
        metadata = " ".join(f"{name}={value}" for name, value in item["metadata"].items())
        line = (
            f"{item['id']}  {item['language']}  {item['state']}  {item['expires_at']}  {metadata}"
        )
        click.echo(printable(line.rstrip()))
    return 0


@session.command()
@click.argument("id")
@click.argument("file", required=False, type=click.File("rb"))
@click.option("-c", "--code", help="Run this instead of a file.")
@click.option(
    *("-l", "--language"),
    metavar="LANG",
    shell_complete=complete_language,
    help="If not the session's own.",
)
@click.option("-t", "--timeout", type=DURATION, help="Wall time.")
@click.option(
    "--picture-dir",
    default="pictures",
    show_default=True,
    shell_complete=complete_folder,
    help="Where pictures go.",
)
@_url
@_as_json
def run(
    id: str,
    file: BinaryIO | None,
    code: str | None,
    language: str | None,
    timeout: float | None,
    picture_dir: str,
    url: str | None,
    *,
    as_json: bool,
) -> int:
    """Run code in a session, with what earlier code has left: a FILE, '-' or --code."""
    if (file is None) == (code is None):
        if code is not None or sys.stdin.isatty():
            raise click.UsageError("give a FILE, '-' for standard input, or --code: one of them.")
        file = sys.stdin.buffer
    if file is not None:
        code = file.read().decode("utf-8", "surrogateescape")
    request = {"code": code, "language": language, "timeout": timeout}
    remote = _server(url)
    if as_json:
        result = remote.ask("POST", session_path(id, "run"), request, waits=True)
        click.echo(json.dumps(result))
        return exit_code(result)
    shown = Shown(picture_dir)
    for event in remote.events(session_path(id, "run/stream"), request):
        if event.get("type") == "result":
            shown.end(event["result"])
            return exit_code(event["result"])
        shown.show(event)
    raise SandboxLost(
        "the server ended the stream before the result.",
        hint="Whether the code ran to its end is not known: see what the session has.",
    )


@session.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("id")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--cwd", metavar="DIR", help="Where it runs.")
@click.option("--env", multiple=True, metavar="K=V", help="Set an environment variable.")
@click.option("-t", "--timeout", type=DURATION, help="Wall time.")
@click.option(
    "--stdin",
    "stdin_file",
    type=click.File("rb"),
    help="Read its input here; '-' is standard input.",
)
@_url
@_as_json
def execute(
    id: str,
    command: tuple[str, ...],
    cwd: str | None,
    env: tuple[str, ...],
    timeout: float | None,
    stdin_file: BinaryIO | None,
    url: str | None,
    *,
    as_json: bool,
) -> int:
    """Run a command in a session: one word is a line for bash, several are its arguments."""
    request: dict[str, Any] = {"cwd": cwd, "env": _pairs("--env", env), "timeout": timeout}
    request["stdin"] = "" if stdin_file is None else stdin_file.read().decode("utf-8", "replace")
    request.update({"argv": list(command)} if len(command) > 1 else {"command": command[0]})
    result = _server(url).ask("POST", session_path(id, "commands"), request, waits=True)
    if as_json:
        click.echo(json.dumps(result))
    else:
        shown = Shown("")
        shown.write(result["stdout"], 1)
        shown.write(result["stderr"], 2)
        shown.end(result)
    return exit_code(result)


@session.command()
@click.argument("source", metavar="FROM", shell_complete=complete_file)
@click.argument("to", metavar="TO", shell_complete=complete_file)
@_url
def cp(source: str, to: str, url: str | None) -> int:
    """Copy files: FROM or TO is ID:PATH. Of a folder goes what is in it."""
    inside, target = _IN_SESSION.fullmatch(source), _IN_SESSION.fullmatch(to)
    if inside is None and target is not None:
        count = upload(_server(url), target[1], source, target[2] or ".")
    elif inside is not None and target is None:
        count = download(_server(url), inside[1], inside[2] or ".", to)
    else:
        raise click.UsageError("one of FROM and TO is a session's: write it ID:PATH.")
    click.echo(f"drybox: {count} {'file' if count == 1 else 'files'} copied.", err=True)
    return 0


@session.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@_url
def stop(ids: tuple[str, ...], url: str | None) -> int:
    """Close sessions: everything in them ends."""
    remote = _server(url)
    for id in ids:
        remote.ask("DELETE", session_path(id))
    return 0


def exit_code(result: dict[str, Any]) -> int:
    """What ``drybox run`` would end with."""
    status = result["status"]
    if status == "interrupted":
        return INTERRUPTED
    if status in EXIT_CODES:
        return EXIT_CODES[status]
    if result.get("signal") is not None:
        try:
            return 128 + signal.Signals[result["signal"]]
        except KeyError:
            return 1
    code = result.get("exit_code")
    if code is None and (result.get("error") or {}).get("name") == EXIT_STATUS:
        with suppress(ValueError):
            return int(result["error"]["value"]) % 256 or 1
    return code if isinstance(code, int) else 1


def _pairs(option: str, pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{option} {pair}: write it NAME=VALUE.")
        found[name] = value
    return found
