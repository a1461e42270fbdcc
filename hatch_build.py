"""Makes what the wheel carries beside its Python: programs in C, and the playground page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# hatchling loads this file by its path, so its neighbours are found by theirs.
sys.path.append(str(Path(__file__).parent))

from build_hook import playground, programs


class DryboxBuildHook(BuildHookInterface[Any]):
    """The hook; hatchling finds it by its base class."""

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling."""
        wanted = playground.dependencies(Path(self.root))
        return wanted if self.target_name == "sdist" else wanted + programs.dependencies()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, and include them.

        An sdist carries the finished page, so that who installs from one needs no npm.
        """
        root = Path(self.root)
        build_data["artifacts"] += playground.build(root, self.app.display_info)
        if self.target_name != "sdist":
            build_data["artifacts"] += programs.build(root)
            build_data["pure_python"] = False
            build_data["tag"] = programs.tag()
