"""Environments of Node.js: programs and sessions in TypeScript have them as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.isolations import Isolation
from tests.support.npm_registry import using
from tests.support.packages import GREETING

from drybox import CodeExecutor, Environment, InvalidRequest

pytestmark = pytest.mark.promise("ENV-1")

WEB = Environment("web", "node", packages=["greet@1"])
CODE = "import { greet } from 'greet';\nconsole.log(greet());\n"


@pytest.fixture(scope="module")
def stores() -> dict[str, Path]:
    """What was built behind each isolation: once."""
    return {}


@pytest.fixture
def web(
    tmp_path_factory: pytest.TempPathFactory, isolation: Isolation, stores: dict[str, Path]
) -> Iterator[CodeExecutor]:
    name = isolation.name
    is_built = name in stores
    store = stores.setdefault(name, tmp_path_factory.mktemp("npm"))
    made = CodeExecutor(
        environments=[WEB], environment_dir=store, isolation=name, timeout=60.0, pool=None
    )
    with made as executor:
        if not is_built:
            (store / "registry").mkdir()
            with using(store / "registry"):
                executor.build_environment("web")
        yield executor


def test_programs_in_both_languages_have_the_same(web: CodeExecutor) -> None:
    (info,) = web.environments()
    assert info.languages == ("node", "typescript")
    assert [(item.name, item.licence) for item in info.packages] == [
        ("@drybox/words", "MIT"),
        ("greet", ""),
    ]
    files = {"node": "main.mjs", "typescript": "main.ts"}
    said = [
        web.execute(language, files={name: CODE}, environment="web")
        for language, name in files.items()
    ]
    assert [result.stdout for result in said] == [f"{GREETING}\n"] * 2, said
    assert {result.environment for result in said} == {f"web@{info.digest}"}
    with pytest.raises(InvalidRequest, match="is one of node, and the request is in bash"):
        web.execute("bash", "true", environment="web")


@pytest.mark.parametrize("language", ["node", "typescript"])
def test_sessions_have_it(web: CodeExecutor, language: str) -> None:
    with web.session(language, environment="web") as session:
        loaded = session.run("const { greet } = require('greet')")
        result = session.run("console.log(greet())")
    assert (loaded.status, result.stdout) == ("success", f"{GREETING}\n"), (loaded, result)
