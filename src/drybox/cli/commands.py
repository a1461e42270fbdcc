"""The commands, and the exit code that each way of ending one has."""

from __future__ import annotations

import sys
from typing import Any

import click

import drybox
from drybox.cli.bench import bench
from drybox.cli.doctor import doctor
from drybox.cli.images import images
from drybox.cli.keys import keys
from drybox.cli.languages import languages
from drybox.cli.run import ReaderGone, run
from drybox.cli.selftest import selftest
from drybox.cli.serve import serve
from drybox.cli.version import version
from drybox.errors import DryboxError, InvalidRequest

MISUSE, DRYBOX_FAILED, BROKEN_PIPE = 2, 125, 141


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try:  drybox run -l python -c \"print('Hello')\"",
)
@click.option(
    "--config", metavar="FILE", help="Read this configuration in the place of the usual files."
)
@click.version_option(drybox.__version__, "-V", "--version", message="drybox %(version)s")
def group(config: str | None) -> None:
    """Run code that you do not trust, in a sealed, single-use sandbox."""


for command in (run, serve, keys, languages, images, doctor, selftest, bench, version):
    group.add_command(command)


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
        click.echo(f"drybox: {error.message}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        return MISUSE if isinstance(error, InvalidRequest) else DRYBOX_FAILED
    except OSError as error:
        sys.stdout = None
        click.echo(f"drybox: the output cannot be written: {error.strerror}.", err=True)
        return DRYBOX_FAILED
    except Exception as error:
        # A bug of ours; people get a sentence, and the trace only if they ask for it.
        click.echo(f"drybox: internal error: {type(error).__name__}: {error}", err=True)
        click.echo("  hint: Please report it; DRYBOX_DEBUG=1 shows where it happened.", err=True)
        import os

        if os.environ.get("DRYBOX_DEBUG"):
            raise
        return DRYBOX_FAILED
    return code if isinstance(code, int) else 0
