"""IPython with the host in the place of a terminal; runs in a session's sandbox alone."""

from __future__ import annotations

import fcntl
import io
import os
import re
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

from IPython.core.autocall import ExitAutocall
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.profiledir import ProfileDir
from kernel_channel import TAKEN_TIMEOUT, Channel
from kernel_display import COLOURS, Displays, Results, forms_of, text_of
from traitlets import Type

NO_INPUT = "the code asks for input, and this run was given none (stdin)"
NO_PACKAGES = """\
Packages cannot be installed in a sandbox: it has no network, and its toolchain is read-only.
Open the session with an environment that has them: session("python", environment="NAME").
Whoever runs drybox makes one with [environments.NAME] in drybox.toml and 'drybox env build NAME'.
"""
_INSTALL = re.compile(
    r"\s*(?:\S*python[\d.]*\s+-m\s+)?(?:uv\s+)?(?:pip[\d.]*|conda|mamba)\s+install\b(.*)", re.DOTALL
)
_SHELLS = ("/bin/bash", "/usr/bin/bash")
NOWHERE = "/tmp/.ipython"
"""Where IPython would keep what it remembers; no version that is lazy makes it."""

KILL_DELAY = 0.5
"""Seconds that a command of the shell has to end when it is interrupted."""


MOST_TEXT = 256 * 1024
"""Characters of each text of an error: an answer that is too long would be let go whole."""


class Exit(ExitAutocall):
    """``exit``: the kernel ends with the cell."""

    def __call__(self, code: object = None) -> None:
        """Ask for it; its argument means what Python's own ``exit`` makes of it."""
        if isinstance(code, int):
            self._ip.exit_code = code & 0xFF
        elif code is not None:
            print(code, file=sys.stderr)
            self._ip.exit_code = 1
        self._ip.ask_exit()


class Profile(ProfileDir):
    """No folder of settings: a session begins as every other does."""

    def _location_changed(self, change: object) -> None:
        pass

    def check_dirs(self) -> None:
        """Make none."""


@magics_class
class Installers(Magics):
    """What would install packages; their other words are run."""

    @line_magic
    def pip(self, line: str) -> None:
        """Say how a session has packages."""
        self.shell.system(f"{sys.executable} -m pip {line}")

    @line_magic
    def conda(self, line: str) -> None:
        """Say how a session has packages."""
        self.shell.system(f"conda {line}")

    @line_magic
    def uv(self, line: str) -> None:
        """Say how a session has packages."""
        self.shell.system(f"uv {line}")


class Shell(InteractiveShell):
    """IPython for one session.

    Attributes:
        channel: To the host.
        run_id: Id of the cell that runs; None between cells.
        has_input: Whether the cell may ask for lines.
        is_ending: Whether a cell has called ``exit``.
        exit_code: What it ended with.
        was_cancelled: Whether an interrupt has cancelled what the cell waited for.
    """

    displayhook_class = Type(Results)
    display_pub_class = Type(Displays)
    channel: Channel
    run_id: str | None = None
    has_input = False
    is_ending = False
    exit_code = 0
    was_cancelled = False
    _has_raised = False

    def begin(self, request: dict[str, Any]) -> None:
        """Begin a cell."""
        self._has_raised = self.was_cancelled = False
        self.has_input = bool(request.get("input"))
        self.channel.wait_left = TAKEN_TIMEOUT
        self.run_id = request["id"]

    def answer(self, kind: str, **fields: Any) -> None:
        """Send an answer of the cell that runs. Of what comes between cells nobody knows whose."""
        if self.run_id is not None:
            flush()
            self.channel.send({"type": kind, "id": self.run_id, **fields})
            if kind != "input":
                self.channel.wait_until_taken()

    def fail(self, kind: type[BaseException], error: BaseException, trace: str) -> None:
        """Tell what a cell raised; of several the first."""
        if not self.channel.is_ours:
            print(trace, file=sys.stderr)
            return
        if self._has_raised or self.run_id is None:
            return
        self._has_raised = True
        name = getattr(kind, "__name__", str(kind))
        if self.was_cancelled and name == "CancelledError":
            name = "KeyboardInterrupt"
        try:
            value = text_of(error)
        except Exception:
            value = "<its text cannot be had>"
        coloured = text_of(trace)
        words = {"value": value, "traceback": COLOURS.sub("", coloured), "coloured": coloured}
        told = {field: _cut(text) for field, text in words.items()}
        self.answer("error", name=_cut(text_of(name)), **told)

    def ask_exit(self) -> None:
        """End after this cell."""
        self.is_ending = True

    def enable_gui(self, gui: str | None = None) -> None:
        """Refuse all but figures in the results."""
        if gui not in (None, "inline"):
            raise UsageError(f"There are no windows in a sandbox: not {gui}, but inline.")

    def init_magics(self) -> None:
        """IPython's own, but for packages."""
        super().init_magics()
        self.register_magics(Installers)

    def system(self, cmd: str) -> None:
        """Run a command of the shell; its output is the cell's."""
        command = self.var_expand(cmd, depth=1)
        flush()
        if match := _INSTALL.fullmatch(command):
            self.user_ns["_exit_code"] = _refuse(match[1].split())
            return
        shell = next(filter(os.path.exists, _SHELLS), None)
        with subprocess.Popen(  # noqa: S602  # it is a command of the shell
            command, shell=True, executable=shell, stdin=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                self.user_ns["_exit_code"] = process.wait()
            except BaseException:
                _end(process)
                raise

    system_piped = system_raw = system

    def ask(self, prompt: object = "", *, secret: bool = False) -> str:
        """What ``input`` does: the host has the lines."""
        line = self.ask_line(prompt, secret=secret)
        if line is None:
            raise EOFError("there are no more lines")
        return line[:-1] if line.endswith("\n") else line

    def ask_line(self, prompt: object = "", *, secret: bool = False) -> str | None:
        """The next line with its end; None where there are no more."""
        if threading.current_thread() is not threading.main_thread():
            raise StdinNotImplementedError("input() works in the cell's own thread alone")
        if self.run_id is None or not self.has_input or not self.channel.is_ours:
            raise StdinNotImplementedError(NO_INPUT)
        self.answer("input", prompt=text_of(prompt), secret=secret)
        while True:
            request = self.channel.take(fresh=True) or {}
            if request.get("type") != "input":
                self.channel.put_back(request)
            elif request.get("id") == self.run_id:
                return None if request.get("eof") else str(request.get("value", ""))

    def ask_secret(self, prompt: object = "Password: ", stream: object = None) -> str:
        """What ``getpass`` does."""
        return self.ask(prompt, secret=True)

    def page(self, data: Any, *_: object, **__: object) -> None:
        """Show what IPython would show in a pager: ``name?``."""
        forms = data if isinstance(data, dict) else {"text/plain": data}
        if isinstance(forms.get("data"), dict):
            forms = forms["data"]
        plain = {mime: COLOURS.sub("", str(form)) for mime, form in forms.items()}
        self.answer("display", data=forms_of(plain), metadata={})

    def _showtraceback(
        self, etype: type[BaseException], evalue: BaseException, stb: list[str] | str
    ) -> None:
        self.fail(etype, evalue, "\n".join(stb) if isinstance(stb, list) else str(stb))

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        """What was raised, without the kernel's own part in it."""
        kind, value, trace = super()._get_exc_info(exc_tuple)
        _leave_out_own(trace)
        seen, chain = {id(value)}, [value]
        for error in chain:  # what it was raised from, or while it was handled
            for other in (error.__cause__, error.__context__) if error is not None else ():
                if other is not None and id(other) not in seen:
                    seen.add(id(other))
                    chain.append(other)
                    _leave_out_own(other.__traceback__)
        return kind, value, trace


def _leave_out_own(trace: TracebackType | None) -> None:
    """Leave out the kernel's own part of a traceback."""
    while trace is not None and trace.tb_next is not None:
        if trace.tb_next.tb_frame.f_code in OWN_CODE:
            trace.tb_next = None
        trace = trace.tb_next


class Input(io.TextIOBase):
    """``sys.stdin``: the lines that the host has.

    Args:
        shell: Asks for them.
    """

    name = "<stdin>"
    mode = "r"
    encoding = "utf-8"

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._rest = ""

    @property
    def buffer(self) -> io.BytesIO:
        """All that is left, as bytes."""
        return io.BytesIO(self.read().encode("utf-8", "surrogateescape"))

    def fileno(self) -> int:
        """That of the real one, which programs inherit: there is nothing in it."""
        return 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        """The next line with its end; "" where there are no more."""
        line = self._rest or self._shell.ask_line() or ""
        end = len(line) if size is None or size < 0 else size
        self._rest = line[end:]
        return line[:end]

    def read(self, size: int | None = -1) -> str:
        """All that is left, or so many characters of it."""
        text = ""
        while size is None or size < 0 or len(text) < size:
            line = self.readline(-1 if size is None or size < 0 else size - len(text))
            if not line:
                break
            text += line
        return text


OWN_CODE = {
    function.__code__
    for function in (
        *(Shell.ask, Shell.ask_line, Shell.ask_secret, Shell.system, Channel.send, Channel.take),
        *(Input.read, Input.readline),
    )
}
"""Where the kernel's own part of a traceback begins."""


def make_shell(channel: Channel) -> Shell:
    """IPython with nobody's settings and no history."""
    HistoryManager.enabled = False
    shell: Shell = Shell.instance(ipython_dir="/", profile_dir=Profile(location=NOWHERE))
    shell.channel = channel
    shell.db = {}
    shell.Completer.use_jedi = False  # it would take as much memory as all the rest
    shell.exiter = Exit(shell)
    shell.set_hook("show_in_pager", Shell.page, 99)
    return shell


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it has started."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(KILL_DELAY)
        except (OSError, subprocess.TimeoutExpired):
            continue
        return


def _cut(text: str) -> str:
    """A text, without its middle if it is too long."""
    left_out, half = len(text) - MOST_TEXT, MOST_TEXT // 2
    if left_out <= 0:
        return text
    return f"{text[:half]}\n[{left_out} characters left out]\n{text[-half:]}"


def _refuse(words: list[str]) -> int:
    """Answer for an installer: content where all that is asked for is there already."""
    from importlib import metadata

    found = []
    for word in words:
        if word.startswith("-"):
            continue
        name = re.match(r"[\"']?([A-Za-z0-9._-]*)", word)[1]
        try:
            found.append(f"Requirement already satisfied: {name} {metadata.version(name)}")
        except (ValueError, metadata.PackageNotFoundError):
            found = []
            break
    if found:
        print(*found, sep="\n")
        return 0
    print(NO_PACKAGES, end="", file=sys.stderr)
    return 1


# --- streams ----------------------------------------------------------------------------------

_STREAMS = (sys.stdout, sys.stderr)
_SPARES: dict[int, int] = {}


def flush() -> None:
    """Have all out that was printed; a cell may have put anything in a stream's place."""
    now = (getattr(sys, "stdout", None), getattr(sys, "stderr", None), *_STREAMS)
    for stream in {id(item): item for item in now}.values():
        try:
            stream.flush()
        except Exception:  # noqa: S112  # whatever it is
            continue


def keep_streams(base: int) -> None:
    """Remember the standard streams, with descriptors from ``base`` on."""
    for fd in (0, 1, 2):
        _SPARES[fd] = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, base)


def mend_streams() -> None:
    """Open anew what a cell has closed; what else it has put in a stream's place stays."""
    for fd, spare in _SPARES.items():
        try:
            os.fstat(fd)
        except OSError:
            os.dup2(spare, fd)
    for name, fd in (("stdout", 1), ("stderr", 2)):
        try:
            getattr(sys, name).flush()
        except Exception:
            stream = open(fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            stream.reconfigure(line_buffering=True)
            setattr(sys, name, stream)
