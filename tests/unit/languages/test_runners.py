"""What is placed in idle sandboxes: it has to be what an interpreter there takes as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from drybox.languages import runners

SERIES = f"{sys.version_info[0]}.{sys.version_info[1]}"
NAME = f"usercustomize.cpython-{SERIES.replace('.', '')}.pyc"


def test_an_interpreter_of_the_series_does_not_look_at_the_source(tmp_path: Path) -> None:
    code = runners.compiled("usercustomize.py", SERIES)
    assert code is not None
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / NAME).write_bytes(code)
    (tmp_path / "usercustomize.py").write_text("raise SystemExit('the source was compiled')")
    show = (
        "import importlib.util as u; s = u.find_spec('usercustomize'); "
        "c = s.loader.get_code('usercustomize'); print(c.co_names[:2], s.cached)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", show],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("('__doc__', 'gc')")
    assert NAME in done.stdout


def test_one_of_another_series_is_given_the_source_alone() -> None:
    assert runners.compiled("usercustomize.py", "2.7") is None
