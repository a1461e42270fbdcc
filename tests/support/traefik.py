"""Traefik, built by the Go command from the module that its project publishes.

No Debian package and no wheel has it. What its module cannot bring along is in this file: an empty
extension point, which is a module of its own in Traefik's repository; two functions of a fork of a
library for passwords, which let nobody in; and a list without names in the place of the providers
of DNS, which are for certificates and bring the libraries of fifty companies. Everything that a
request to drybox passes through is Traefik's own. The program is kept below
``~/.cache/drybox-tests``; building it takes seven minutes of CPU time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

VERSION = "v3.7.13"
MODULE = f"github.com/traefik/traefik/v3@{VERSION}"
CACHE = Path.home() / ".cache" / "drybox-tests" / f"traefik-{VERSION}"

LEGO = "github.com/go-acme/lego/v5"
AUTH = "github.com/abbot/go-http-auth"
AUTH_VERSION = "v0.4.0"

EXTENSION = {
    "go.mod": "module github.com/traefik/traefik/dynamic/ext\n\ngo 1.24\n",
    "ext.go": "package ext\n\ntype HTTP struct{}\n\ntype Router struct{}\n",
}
OF_THE_FORK = {
    "go.mod": f"module {AUTH}\n\ngo 1.24\n",
    "fork.go": """\
package auth

import "net/http"

func CheckSecret(password, secret string) bool { return false }

func (a *DigestAuth) RequireAuthStale(to http.ResponseWriter, r *http.Request) {
	a.RequireAuth(to, r)
}
""",
}
NO_DNS = f"""\
package dns

import (
	"errors"

	"{LEGO}/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {{
	return nil, errors.New("built without " + name)
}}
"""


class CannotBuildError(Exception):
    """Why there is no Traefik here."""


def traefik_program() -> Path:
    """The program, built if it is not there yet.

    Raises:
        CannotBuildError: There is no Go command, or a module is not to be had.
    """
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
            _build(Path(folder)).replace(CACHE)
    return CACHE


def _build(folder: Path) -> Path:
    source, auth, lego = folder / "traefik", folder / "auth", folder / "lego"
    _copy(_go(folder, "mod", "download", "-json", MODULE), source)
    _write(source / "pkg/config/dynamic/ext", EXTENSION)
    _copy(_go(folder, "mod", "download", "-json", f"{AUTH}@{AUTH_VERSION}"), auth)
    _write(auth, OF_THE_FORK)
    _go(source, "mod", "edit", f"-replace={AUTH}={auth}")
    _copy(_go(source, "mod", "download", "-json", LEGO), lego)
    _write(lego / "providers/dns", {"zz_gen_dns_providers.go": NO_DNS})
    _go(source, "mod", "edit", f"-replace={LEGO}={lego}")
    made = folder / "program"
    flags = ("-mod=mod", "-trimpath", "-ldflags=-s -w")
    _go(source, "build", *flags, "-o", str(made), "./cmd/traefik")
    return made


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def _copy(downloaded: str, target: Path) -> None:
    """A module without the protection from writing that the cache gives it."""
    shutil.copytree(json.loads(downloaded)["Dir"], target)
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def _go(folder: Path, *words: str) -> str:
    command = shutil.which("go") or f"{sysconfig.get_path('purelib')}/go/bin/go"
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    try:
        done = subprocess.run(
            [command, *words], cwd=folder, env=env, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise CannotBuildError("there is no go command") from None
    if done.returncode:
        reason = done.stderr.strip() or done.stdout.strip()
        raise CannotBuildError(f"go {words[0]}: {reason[-500:]}")
    return done.stdout
