# Pins down a multi-file project: packages, relative imports, data files, __main__ guards, runpy.
import importlib
import importlib.resources
import os
import runpy
import sys

import toolbox
from toolbox.sub import words

print(toolbox.__name__, toolbox.VERSION, os.path.relpath(toolbox.__file__))
print(words.count("a b a"), words.__package__, sorted(toolbox.__all__))
print(importlib.resources.files("toolbox").joinpath("data.json").read_text(encoding="utf-8"), end="")
print(importlib.import_module(".sub.words", "toolbox") is words)
print(runpy.run_module("toolbox", run_name="__main__")["RESULT"])
print(sorted(name for name in sys.modules if name.startswith("toolbox")), os.path.isdir("toolbox/__pycache__"))
import nowhere.to_be_found
