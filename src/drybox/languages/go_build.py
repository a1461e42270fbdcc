"""Calls Go's compiler and linker directly, for programs that need nothing of the go command.

The command lines are recorded once, from what the go command runs for a small program. If anything
fails, the go command builds the program, so that every error is its own.
"""

from __future__ import annotations

import hashlib
import os
import re

from drybox.job import BUILD_DIR, File, Job

TEMPLATE = File(
    "main.go", b'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("direct") }\n'
)
"""The program that is watched being built."""

RECORD = r"""
at=$1 build=/tmp/go-build log=/tmp/go-log
swap() { # in $line, the text $1 for the text $2
    case $line in
    *"$1"*) line=${line%%"$1"*}$2${line#*"$1"} ;;
    *) return 1 ;;
    esac
}
renew() { # in $line, the word that follows $1 for the word $2
    rest=${line#*"$1"}
    line="${line%%"$1"*}$1$2 ${rest#* }"
}
list() {
    go list -export -f '{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}' std
}
record() {
    mkdir -p "$at" $build && go run -x main.go 2>$log && list >"$at/link.cfg" || return
    # What only the standard library itself may import is for the linker alone.
    while IFS= read -r line; do
        path=${line#packagefile }
        case /${path%%=*}/ in
        */internal/* | */vendor/*) ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$at/link.cfg" >"$at/compile.cfg"
    while IFS= read -r line; do
        case $line in
        'modinfo "'*) printf '%s\n' "$line" >>"$at/link.cfg" ;;
        *'/compile -o $WORK/b001/_pkg_.a '*' ./main.go')
            line="${line% ./main.go} \"\$@\" &&"
            swap '$WORK/b001/importcfg' "$at/compile.cfg" && renew ' -buildid ' '$id/$id' &&
                swap '$WORK/b001/_pkg_.a' '$build/main.a' && printf '%s\n' "$line" ;;
        *'/link -o $WORK/b001/exe/main '*)
            swap '$WORK/b001/importcfg.link' "$at/link.cfg" &&
                renew ' -buildid=' '$id/$id/$id/$id' && swap '$WORK/b001/exe/main' '$build/main' &&
                swap '$WORK/b001/_pkg_.a' '$build/main.a' && printf '%s\n' "$line" ;;
        esac
    done <$log >"$at/commands"
}
try() {
    id=test && set -- ./main.go && . "$at/commands" && [ "$($build/main)" = direct ]
}
record && (try) || rm -rf "$at"
rm -rf $build $log
"""
"""Writes to the folder $1 how such a program is built; nothing if that does not work here.

The compiler's and the linker's command line are the go command's own, with their paths and with
the ids that tell builds from one another put in anew. An image may have no sed and no grep.
"""

BUILD = r"""
at=$1 build=$2 id=$3
shift 3
[ -r "$at/commands" ] && . "$at/commands" >/dev/null 2>&1 && exec rm -f "$build/main.a"
"""
"""Builds files of the working directory, the last arguments, as the go command has done for a
program like them, by what is written in $1. The program is in $2."""

ELSE_BUILD = r"""
go build '-ldflags=-s -w' -o "$build/main" "$@" || exit
[ -x "$build/main" ] && exit
echo 'package command-line-arguments is not a main package' >&2
exit 1
"""
"""Builds them by the go command itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}\.go")
"""Names in which the go command reads neither a system, nor a processor, nor a test."""

_SETTINGS = ("go.mod", "go.work", "default.pgo")
"""Files that the go command heeds."""

_DIRECTIVES = (b"go:build", b"+build", b"go:debug")
"""Words in a source that the go command heeds. Whatever else it would, such as cgo and files to
embed, makes the compiler fail that is not told of it."""


def is_direct(job: Job, names: list[str]) -> bool:
    """Whether the compiler makes of these files what the go command would, if it makes anything.

    Args:
        job: The job.
        names: The Go files to build, all in the working directory.
    """
    sources = [file.content for file in job.files if file.path in set(names)]
    return (
        not job.packages
        and all(_NAME.fullmatch(name) for name in names)
        and len({name.lower() for name in names}) == len(names)
        and not any(file.path in _SETTINGS for file in job.files)
        and not any(word in source for source in sources for word in _DIRECTIVES)
    )


def direct_build(
    at: str, job: Job, names: list[str], otherwise: str = ELSE_BUILD
) -> tuple[str, ...]:
    """The command that builds such a program.

    Args:
        at: The folder that ``RECORD`` has filled, or an environment's like it.
        job: The job.
        names: The Go files to build.
        otherwise: Builds what cannot be built so; its arguments are the files.
    """
    digest = hashlib.sha256()
    for file in job.files:
        digest.update(b"%s\0%d\0%s" % (os.fsencode(file.path), len(file.content), file.content))
    id = digest.hexdigest()[:20]  # as long as the go command's
    return (
        "sh",
        "-c",
        BUILD + otherwise,
        "sh",
        at,
        BUILD_DIR,
        id,
        *(f"./{name}" for name in names),
    )
