"""The configuration: where values come from, which counts, and what is refused."""

from __future__ import annotations

import contextlib
import os
import runpy
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import (
    AsyncCodeExecutor,
    CodeExecutor,
    Config,
    DockerSettings,
    InvalidRequest,
    ResourceLimits,
    load_config,
)
from drybox.config.loader import (
    MAX_FILE,
    SYSTEM_FILE,
    make_config,
    read_document,
    read_environment,
    usual_files,
)
from drybox.config.options import all_options

ROOT = Path(__file__).resolve().parents[3]
WHOLE = """
timeout = "2m"
isolation = "docker"
allow_weaker = ["memory", "cpus"]
concurrency = 3
compile_timeout = 90
install_timeout = "3m"
package_dir = "/srv/packages"
[limits]
memory = "64MiB"
cpus = 0.5
pids = 7
disk = 1048576
output = "1.5k"
open_files = 99
[compile_limits]
memory = "2g"
[install_limits]
pids = 9
[images]
python = "127.0.0.1:5000/python@sha256:aa"
"python@3.13" = "python:3.13"
[docker]
host = "ssh://me@there"
ryuk = true
[runtimes]
gvisor = "my-runsc"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of configurations; the system has none."""
    monkeypatch.setattr("drybox.config.loader.SYSTEM_FILE", str(tmp_path / "etc/drybox.toml"))
    folder = tmp_path / "xdg"
    (folder / "drybox").mkdir(parents=True)
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    return path


def parse_env(text: str) -> Config:
    return make_config(read_document(text, "some.toml"))


def refused(text: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_env(text)
    assert caught.value.hint
    assert len(str(caught.value)) < 700
    return caught.value


# --- what is read ---------------------------------------------------------------------------


def test_every_key_reaches_its_place() -> None:
    config = parse_env(WHOLE).executor
    assert (config.timeout, config.isolation, config.concurrency) == (120.0, "docker", 3)
    assert (config.compile_timeout, config.allow_weaker) == (90.0, ("memory", "cpus"))
    assert config.limits == ResourceLimits(64 << 20, 0.5, 7, 1 << 20, 1536, 99)
    assert (config.compile_limits.memory, config.compile_limits.pids) == (2 << 30, 256)
    assert (config.install_timeout, config.install_limits.pids) == (180.0, 9)
    assert (config.package_dir, config.install_limits.memory) == ("/srv/packages", 1 << 30)
    images = {"python": "127.0.0.1:5000/python@sha256:aa", "python@3.13": "python:3.13"}
    assert config.docker == DockerSettings(
        "ssh://me@there", images, {"gvisor": "my-runsc"}, ryuk=True
    )


def test_the_environment_says_the_same() -> None:
    environ = {
        "DRYBOX_TIMEOUT": "2m",
        "DRYBOX_ISOLATION": "docker",
        "DRYBOX_ALLOW_WEAKER": "memory, cpus",
        "DRYBOX_CONCURRENCY": "3",
        "DRYBOX_COMPILE_TIMEOUT": "90",
        "DRYBOX_INSTALL_TIMEOUT": "180s",
        "DRYBOX_INSTALL_LIMITS_PIDS": "9",
        "DRYBOX_PACKAGE_DIR": "/srv/packages",
        "DRYBOX_LIMITS_MEMORY": "64MiB",
        "DRYBOX_LIMITS_CPUS": "0.5",
        "DRYBOX_LIMITS_PIDS": "7",
        "DRYBOX_LIMITS_DISK": "1048576",
        "DRYBOX_LIMITS_OUTPUT": "1.5k",
        "DRYBOX_LIMITS_OPEN_FILES": "99",
        "DRYBOX_COMPILE_LIMITS_MEMORY": "2g",
        "DRYBOX_IMAGES_PYTHON": "127.0.0.1:5000/python@sha256:aa",
        "DRYBOX_IMAGES_PYTHON_3_13": "python:3.13",
        "DRYBOX_DOCKER_HOST": "ssh://me@there",
        "DRYBOX_DOCKER_RYUK": "yes",
        "DRYBOX_RUNTIMES_GVISOR": "my-runsc",
        "DRYBOX_IMAGES_NODE": "",  # as unset
        "DRYBOX_DEBUG": "1",
        "DRYBOX_CONFIG": "anything",
        "PATH": "/bin",
    }
    assert make_config(read_environment(environ)) == parse_env(WHOLE)


def test_nothing_configured_is_what_a_plain_executor_has() -> None:
    assert make_config() == Config() == parse_env("")
    plain, configured = AsyncCodeExecutor(), AsyncCodeExecutor(**Config().executor_options())
    for name in ("_settings", "_defaults", "_operator", "_allow_weaker", "concurrency"):
        assert getattr(plain, name) == getattr(configured, name), name
    CodeExecutor(**Config().executor_options()).close()


def test_the_defaults_that_the_keys_name_are_those_that_hold() -> None:
    said = {key.name: key.default for key in all_options()}
    named = {
        name: text
        for name, text in said.items()
        if text[:1].isdigit() and not name.startswith("images.")
    }
    document = "".join(
        f'{name} = "{text}"\n' if text[-1].isalpha() else f"{name} = {text}\n"
        for name, text in named.items()
    )
    assert parse_env(document) == Config()
    assert {f"limits.{item.name}" for item in fields(ResourceLimits)} <= named.keys()


def test_later_layers_count_key_by_key(home: Path, tmp_path: Path) -> None:
    write(tmp_path / "etc/drybox.toml", 'timeout = 1\nconcurrency = 1\n[limits]\nmemory = "1g"\n')
    write(home / "drybox/drybox.toml", "timeout = 2\n[limits]\npids = 2\n")
    environ = {"XDG_CONFIG_HOME": str(home)}
    config = load_config(environ=environ).executor
    assert (config.timeout, config.concurrency) == (2.0, 1)
    assert config.limits == replace(ResourceLimits(), memory=1 << 30, pids=2)
    config = load_config(environ={**environ, "DRYBOX_TIMEOUT": "3"}).executor
    assert (config.timeout, config.concurrency) == (3.0, 1)


def test_a_named_file_takes_the_place_of_the_usual_ones(home: Path, tmp_path: Path) -> None:
    write(home / "drybox/drybox.toml", "timeout = 2\nconcurrency = 2\n")
    other = str(write(tmp_path / "other.toml", "timeout = 5\n"))
    third = str(write(tmp_path / "third.toml", "timeout = 6\n"))
    environ = {"XDG_CONFIG_HOME": str(home), "DRYBOX_CONFIG": other}
    config = load_config(environ=environ).executor
    assert (config.timeout, config.concurrency) == (5.0, None)
    assert load_config(third, environ).executor.timeout == 6.0
    assert load_config(environ={**environ, "DRYBOX_CONFIG": "/dev/null"}) == Config()


# --- whom it trusts -------------------------------------------------------------------------


@pytest.mark.promise("ISO-24")
def test_a_file_of_the_current_directory_is_not_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("drybox.toml", ".config/drybox/drybox.toml", "drybox/drybox.toml"):
        write(tmp_path / place, 'allow_weaker = ["memory"]\n')
    for environ in (
        {"XDG_CONFIG_HOME": str(home)},
        {"XDG_CONFIG_HOME": ".", "HOME": str(home)},
        {"XDG_CONFIG_HOME": ".config", "HOME": "."},
        {"HOME": "."},
        {"HOME": ""},
    ):
        assert all(os.path.isabs(path) for path in usual_files(environ))
        assert not load_config(environ=environ).executor.allow_weaker, environ


def test_a_file_that_everybody_may_write_is_refused(home: Path) -> None:
    path = write(home / "drybox/drybox.toml", "timeout = 2\n")
    path.chmod(0o646)
    with pytest.raises(InvalidRequest, match="everybody may write") as caught:
        load_config(environ={"XDG_CONFIG_HOME": str(home)})
    assert f"chmod o-w {path}" in caught.value.hint


def test_the_usual_files() -> None:
    assert SYSTEM_FILE == "/etc/drybox/drybox.toml"
    assert usual_files({"HOME": "/home/ann"})[1] == "/home/ann/.config/drybox/drybox.toml"
    assert usual_files({"HOME": "/home/ann", "XDG_CONFIG_HOME": "/x"})[1] == "/x/drybox/drybox.toml"


def test_an_executor_reads_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYBOX_TIMEOUT", "1")
    monkeypatch.setenv("DRYBOX_NONSENSE", "1")
    assert AsyncCodeExecutor()._defaults.timeout == 30.0


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.promise("ISO-24")
@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("timeuot = 1", "timeuot", "'timeout'"),
        ("memory = 1", "memory", "'limits.memory'"),
        ("[limits]\nmemroy = 1", "limits.memroy", "'limits.memory'"),
        ("[limit]\nmemory = 1", "limit", "'limits'"),
        ("[images]\npyhton = 'x'", "images.pyhton", "'images.python'"),
        ("[images]\n'python@x' = 'x'", "images.python@x", "'images.python'"),
        ("[images]\n'python@' = 'x'", "images.python@", "'images.python'"),
        ("[runtimes]\ngviso = 'x'", "runtimes.gviso", "'runtimes.gvisor'"),
        ("'timeout@3' = 1", "timeout@3", "'timeout'"),
        ("limits = 5", "limits", "[limits]"),
        ("zzz = 5", "zzz", "configuration.md"),
        ("[keys.shop]\nhsh = 'x'", "keys.shop.hsh", "'keys.shop.hash'"),
        ("[environments.data]\nlangage = 'x'", "environments.data.langage", "data.language'"),
        ("[keys.shop]", "keys.shop", "It needs hash; or take it out."),
        ("[environments.a.b]\nlanguage = 'x'", "environments.a.b", '[environments."a.b"]'),
        ("[environments.data]", "environments.data", "It needs language; or take it out."),
        ("'' = 5", "", "configuration.md"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(text: str, field: str, hint: str) -> None:
    error = refused(text)
    assert error.field == field
    assert "some.toml" in error.message
    assert hint in error.hint


@pytest.mark.promise("ISO-24")
@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("DRYBOX_TIMOUT", "'DRYBOX_TIMEOUT'"),
        ("DRYBOX_LIMIT_MEMORY", "'DRYBOX_LIMITS_MEMORY'"),
        ("DRYBOX_IMAGES_PYTHON_X", "'DRYBOX_IMAGES_PYTHON'"),
        ("DRYBOX_TIMEOUT_3", "'DRYBOX_TIMEOUT'"),
        ("DRYBOX_", "DRYBOX_"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(variable: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_environment({variable: "1"})
    assert variable in caught.value.message
    assert hint in caught.value.hint or variable == "DRYBOX_"


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("timeout = 'soon'", "timeout", "not a duration"),
        ("timeout = 0", "timeout", "out of bounds"),
        ("timeout = nan", "timeout", "out of bounds"),
        ("timeout = true", "timeout", "not a number"),
        ("timeout = 2020-01-01", "timeout", "not a number"),
        ("isolation = 'none'", "isolation", "not known"),
        ("isolation = []", "isolation", "not known"),
        ("allow_weaker = 'memory'", "allow_weaker", "not a list"),
        ("allow_weaker = [1]", "allow_weaker", "not a list"),
        ("allow_weaker = ['pids', 'paper']", "allow_weaker", "cannot be given up"),
        ("concurrency = 0", "concurrency", "not a count"),
        ("concurrency = '3'", "concurrency", "not a count"),
        ("concurrency = true", "concurrency", "not a count"),
        ("limits.memory = 'much'", "limits.memory", "not a size"),
        ("limits.memory = 1", "limits.memory", "out of bounds"),
        ("limits.memory = 1.5", "limits.memory", "no whole number"),
        ("limits.cpus = inf", "limits.cpus", "out of bounds"),
        ("limits.pids = '64'", "limits.pids", "no whole number"),
        ("limits.pids.x = 1", "limits.pids", "no whole number"),
        ("compile_limits.pids = 0", "compile_limits.pids", "out of bounds"),
        ("images.python = ''", "images.python", "not text"),
        ("images.python = {a = 1}", "images.python", "not text"),
        ("package_dir = 'packages'", "package_dir", "not an absolute path"),
        ("docker.ryuk = 'yes'", "docker.ryuk", "not true or false"),
        ("docker.host = 5", "docker.host", "not text"),
        ("keys.shop.languages = ['cobol']", "keys.shop.languages", "not known"),
        ("keys.shop.isolations = ['none']", "keys.shop.isolations", "not known"),
        ("server.origins = ['app.example']", "server.origins", "not an origin"),
        ("server.origins = ['https://app.example/']", "server.origins", "not an origin"),
        ("server.origins = ['https://App.example']", "server.origins", "not an origin"),
        ("server.origins = ['*']", "server.origins", "not an origin"),
        ("server.origins = ['https://a.b:x']", "server.origins", "not an origin"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(text: str, field: str, says: str) -> None:
    error = refused(text)
    assert error.field == field
    assert error.message.startswith(f"{field}: ")
    assert says in error.message
    assert error.message.endswith("(in some.toml)")


@pytest.mark.parametrize(
    "text",
    ["timeout", "timeout = ", "a = 1\na = 2", "\ufefftimeout = 1", "a = " + "[" * 9000, "\0"],
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    error = refused(text)
    assert "some.toml is not TOML" in error.message


def test_huge_numbers_are_refused() -> None:
    refused(f"timeout = {'9' * 400}")
    refused(f"timeout = {'9' * 5000}")
    refused(f"concurrency = [{'9' * 400}]")


@pytest.mark.parametrize("text", ["-1", "1.5", "much", "1" * 400, "0x10", "yes"])
def test_a_wrong_variable_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_environment({"DRYBOX_CONCURRENCY": text})
    assert caught.value.field == "concurrency"
    assert "DRYBOX_CONCURRENCY" in caught.value.message


def test_files_that_cannot_be_read_are_named(home: Path, tmp_path: Path) -> None:
    bad = write(tmp_path / "latin.toml", "")
    bad.write_bytes(b"timeout = '\xff'")
    long = write(tmp_path / "long.toml", "#" * (MAX_FILE + 1))
    for path in (tmp_path / "none.toml", tmp_path, bad, bad / "below", long, "a\0b"):
        with pytest.raises(InvalidRequest) as caught:
            load_config(path, {})
        assert caught.value.field == "config"
        assert str(path) in caught.value.message.replace("\\x00", "\0")
    with pytest.raises(InvalidRequest, match="too long"):
        load_config("/dev/zero", {})
    (home / "drybox/drybox.toml").mkdir()  # there, and not readable: not passed over
    with pytest.raises(InvalidRequest, match="cannot be read"):
        load_config(environ={"XDG_CONFIG_HOME": str(home)})


@given(st.text())
def test_any_text_is_a_configuration_or_a_refusal(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        parse_env(text)


@given(st.sampled_from([key.variable for key in all_options()]), st.text(min_size=1))
def test_any_value_of_a_variable_is_taken_or_refused(variable: str, text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        make_config(read_environment({variable: text}))


@pytest.mark.parametrize(
    ("chosen", "word"),
    [(["other"], "'other' is no environment"), (["data", "more"], "both of python")],
)
def test_what_sandbox_fusion_runs_in_is_there_and_one_for_a_language(
    chosen: list[str], word: str
) -> None:
    text = "".join(
        f'[environments.{name}]\nlanguage = "python"\npackages = ["numpy"]\n'
        for name in ("data", "more")
    )
    option = "sandbox_fusion_environments"
    right = make_config(read_document(f'{text}[server]\n{option} = ["data"]\n', "x"))
    assert right.server.sandbox_fusion_environments == ("data",)
    with pytest.raises(InvalidRequest, match=word):
        make_config(read_document(f"{text}[server]\n{option} = {chosen}\n", "x"))


# --- the page -------------------------------------------------------------------------------


def test_the_reference_page_is_what_the_keys_say() -> None:
    wanted = runpy.run_path(str(ROOT / "docs/reference/configuration.py"))["page"]()
    page = (ROOT / "docs/reference/configuration.md").read_text()
    assert page == wanted, "it is stale: run './dev docs'"
    for key in all_options():
        assert f"`{key.variable}`" in page
