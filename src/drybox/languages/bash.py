"""Bash."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drybox.job import WORK_DIR, File, Job, Plan, Step
from drybox.languages.base import (
    EditorMode,
    PackageForm,
    PistonNames,
    Preparation,
    Samples,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.prestart import PrestartedProcess
from drybox.model import KIB, MIB, ResourceLimits

WAIT = "/opt/bash-prestart"

# Bash reads the file that BASH_ENV names when it has started and before it opens its script. So
# this waits for a job there, and leaves a shell that has done nothing but start: what is called
# last leaves its last argument as '$_', which is the shell's name then.
_WAIT = b"""\
printf W >&100
LC_ALL=C __drybox_counts=()
for __drybox_i in {0..11}; do
    IFS= read -r -d '' -n 1 -u 100 __drybox_word || exit
    printf -v __drybox_word %d "'$__drybox_word"
    ((__drybox_counts[__drybox_i / 4] += (__drybox_word & 255) << __drybox_i % 4 * 8, 1))
done
__drybox_words=()
for ((__drybox_i = 0; __drybox_i < __drybox_counts[1] + __drybox_counts[2]; __drybox_i++)); do
    IFS= read -r -d '' -u 100 __drybox_word || exit
    __drybox_words[__drybox_i]=$__drybox_word
done
exec 100<&-
unset -v LC_ALL BASH_ENV
set -- "${__drybox_words[@]:2:__drybox_counts[1] - 2}"
for __drybox_word in "${__drybox_words[@]:__drybox_counts[1]}"; do
    __drybox_i=${__drybox_word%%=*}
    [[ -v $__drybox_i && ${!__drybox_i} == "${__drybox_word#*=}" ]] || export "$__drybox_word"
done
__drybox_end() {
    unset -v __drybox_counts __drybox_i __drybox_word __drybox_words
    unset -f __drybox_end
    SECONDS=0
}
__drybox_end "${__drybox_words[0]}"
"""

_LOOKS = re.compile(
    rb"BASH_ARG|\b(?:declare|typeset)[ \t]+-[a-zA-Z]*p|\bset[ \t]*(?:$|[|>;&)])", re.M
)
"""What a script looks with at the arguments that its shell has been started with: the arrays
``BASH_ARGC`` and ``BASH_ARGV`` by their names, or everything that the shell holds."""

MOST_READ = 1024 * KIB
"""Bytes of all files together that are looked at for that. A script beside more starts cold."""


class Bash(UsualEntry):
    """Runs a script with Bash, whatever its first line names: that line is a comment to it."""

    name = "bash"
    title = "Bash"
    aliases = ("sh",)
    suffixes = (".sh", ".bash")
    needs_suffix = False
    image = "debian:bookworm-slim"  # with the GNU tools that scripts are written for
    toolchain = Toolchain(
        executable="bash",
        candidates=("/usr/bin/bash", "/bin/bash"),
        levels=2,
        mount="/opt/bash",
        parts=("bin/{program}",),
        install_hint="Install it: 'apt install bash' or 'apk add bash'.",
        preparations=(
            Preparation(
                name="bash-prestart",
                label="Setting Bash's prestarted process up",
                files=(File("wait.sh", _WAIT),),
                commands=(("cp", "wait.sh", "{out}/wait.sh"),),
                mount=WAIT,
                optional=True,  # without it none waits
            ),
        ),
    )
    packages: PackageForm | None = None

    samples = Samples(
        check='printf %s "$1"\ncat\nprintf err >&2\nexit 3\n',
        hello="echo hello %d\n",
        hello_file="main.sh",
        baseline=("-c", "{source}"),
    )
    editor = EditorMode("shell", position=r": line ([0-9]{1,7})")
    piston = PistonNames("bash", ("sh",))

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files: ``main.sh``, or the only script at the top."""
        usual = next((name for name in ("main.sh", "main.bash") if name in files), None)
        top = [name for name in files if name.endswith(self.suffixes) and "/" not in name]
        return usual or (top[0] if len(top) == 1 else None)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        # A shell that waits has put its arguments on the stack before they are known, and has the
        # stack from then on. One that is asked to start elsewhere, be it in the same folder, is
        # started cold.
        looks = sum(len(file.content) for file in job.files) > MOST_READ or any(
            _LOOKS.search(file.content) for file in job.files
        )
        cwd = f"{WORK_DIR}/." if looks else WORK_DIR
        return Plan(run=Step(("bash", as_argument(job.entry), *job.args), cwd=cwd))

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A shell that has started, and is about to open its script."""
        prestart = PrestartedProcess(
            ("bash", "main.sh"),
            open_files=limits.open_files,
            env={"BASH_ENV": f"{WAIT}/wait.sh"},
            startup_env=(
                "__drybox_*",
                # What starting is about, and what a shell computes or keeps to itself.
                *("BASH*", "SHELL*", "POSIX*", "HOME", "PATH", "*PWD", "_", "SHLVL", "CHILD_MAX"),
                *("IFS", "PS?", "PPID", "*UID", "GROUPS", "OPT*", "*RANDOM", "SECONDS", "EPOCH*"),
                *("LINENO", "FUNC*", "PIPESTATUS", "DIRSTACK", "HIST*", "COMP*", "GLOB*", "EXEC*"),
                *("LANG", "LANGUAGE", "LC_*", "LOCPATH", "TEXTDOMAIN*", "TZ", "TMOUT", "MAIL*"),
                *("READLINE*", "COPROC", "MAPFILE", "REPLY", "TERM", "LINES", "COLUMNS"),
                *("LD_*", "GLIBC_*", "MALLOC_*", "MUSL_*", "HOST*", "OSTYPE", "MACHTYPE"),
            ),
            size=4 * MIB,
        )
        return (prestart,)
