"""What every test of the programs finds ready."""

from __future__ import annotations

import pytest

from drybox import CodeExecutor


@pytest.fixture(scope="session", autouse=True)
def prepared_toolchains(request: pytest.FixtureRequest) -> None:
    """What is made once for each toolchain is there, also on a machine with an empty cache.

    Else the first program of each language says on stderr that it is being made, and on the
    playground page it takes longer than anything else there.
    """
    paths = {item.path for item in request.session.items}
    if any(path.name.startswith("test_cli_") or path.parent.name == "playground" for path in paths):
        with CodeExecutor(pool=None) as executor:
            for language in executor.languages():
                if language.version is not None:
                    executor.execute(language.name, "")
