"""The command line: parses, renders, nothing else."""

from __future__ import annotations

import signal
import sys
from typing import Any, NoReturn

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

MISUSE, DRYBOX_FAILED, INTERRUPTED, BROKEN_PIPE = 2, 125, 130, 141


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


def main() -> None:
    """Entry point of the ``drybox`` program; ends the process with its exit code."""
    _fill_standard_descriptors()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    code = _main()
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        sys.stdout = None  # its words cannot be written; Python would complain once more
    sys.exit(code)


def _interrupt(number: int, frame: object) -> NoReturn:
    """The first Ctrl-C ends the run in order; the next one ends drybox where it stands.

    Whatever is open then is cleared up from outside, so that nobody has to sit through our
    clearing up, and no second interrupt breaks into it.
    """
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def _fill_standard_descriptors() -> None:
    """Where one is closed drybox's own next file would get its number, and a stranger's output."""
    import os

    while (fd := os.open(os.devnull, os.O_RDWR)) < 3:
        continue
    os.close(fd)


def _main() -> int:
    try:
        code: Any = group.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return MISUSE
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
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
