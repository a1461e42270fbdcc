"""The commands, and their exit codes."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

import drybox
from drybox.cli.colour import wants_colour
from drybox.cli.interrupt import ReaderGone
from drybox.errors import DryboxError, InvalidRequest

MISUSE, DRYBOX_FAILED, BROKEN_PIPE = 2, 125, 141

_CANNOT_WRITE = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPIPE)
"""What writing to standard output ends with; any other error of the system is not about that."""

COMMANDS = {
    "bench": "bench",
    "doctor": "doctor",
    "env": "environments",
    "fleet": "server.fleet",
    "images": "images",
    "keys": "server.api_keys",
    "languages": "languages",
    "mcp": "server.mcp",
    "repl": "session.repl",
    "run": "run",
    "selftest": "selftest",
    "serve": "server.serve",
    "session": "session.group",
    "version": "version",
}
"""The commands, and the module of each. One runs at a time, so only its own is loaded."""


class Commands(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"drybox.cli.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names.

        Raises:
            click.UsageError: There is none; it says what may have been meant.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # only misuse needs it

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            if os.path.exists(args[0]):
                hint = f" To run it: drybox run {args[0]}"
            else:
                hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", error.ctx) from None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try:  drybox run -l python -c \"print('Hello')\"",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="Read this configuration file instead of the usual ones.",
)
@click.version_option(drybox.__version__, "-V", "--version", message="drybox %(version)s")
def group(config: str | None) -> None:
    """Run code that you do not trust, in a sealed, single-use sandbox."""
    click.get_current_context().color = wants_colour()


def run_command() -> int:
    """Run what the arguments say.

    Returns:
        The exit code of the process.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    try:
        code: Any = group.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return MISUSE
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:  # what click makes of an interrupt
        raise KeyboardInterrupt from None
    except ReaderGone:
        return BROKEN_PIPE
    except DryboxError as error:
        from drybox.cli.wording import printable

        click.echo("drybox: " + printable(error.message, keep="\n"), err=True)
        if error.hint:
            click.echo("  hint: " + printable(error.hint, keep="\n"), err=True)
        return MISUSE if isinstance(error, InvalidRequest) else DRYBOX_FAILED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            sys.stdout = None
            click.echo(f"drybox: the output cannot be written: {error.strerror}.", err=True)
            return DRYBOX_FAILED
        if _lacks_threads(error):
            click.echo("drybox: no thread could be started.", err=True)
            click.echo(
                "  hint: There is no room for more processes: allow drybox more of them (pids.max "
                "of its cgroup, 'ulimit -u'), or end some.",
                err=True,
            )
            return DRYBOX_FAILED
        # A bug of ours; people get a sentence, and the trace only if they ask for it.
        click.echo(f"drybox: internal error: {type(error).__name__}: {error}", err=True)
        click.echo("  hint: Please report it; DRYBOX_DEBUG=1 shows where it happened.", err=True)
        import os

        if os.environ.get("DRYBOX_DEBUG"):
            raise
        return DRYBOX_FAILED
    return code if isinstance(code, int) else 0


def _lacks_threads(error: BaseException) -> bool:
    """Whether all of it is that no thread could be started, as Python puts EAGAIN."""
    parts = getattr(error, "exceptions", None)  # of a group
    if parts:
        return all(_lacks_threads(part) for part in parts)
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)
