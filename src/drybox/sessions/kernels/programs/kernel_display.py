"""How IPython's displays become answers; runs in a session's sandbox alone."""

from __future__ import annotations

import binascii
import contextlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from kernel_channel import dumps

BINARY = re.compile(r"(?:image|audio|video)/(?!svg)[\w.+-]+|application/pdf")
"""Forms that IPython has as bytes, or as their base64."""

COLOURS = re.compile("\x1b\\[[0-9;]*m")


def text_of(value: object) -> str:
    """Text that UTF-8 has: lone surrogates become question marks."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def forms_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Forms of a thing by MIME type, as answers have them."""
    forms: dict[str, Any] = {}
    for name, form in data.items():
        mime = text_of(name)
        if isinstance(form, (bytes, bytearray)):
            forms[mime] = {"base64": binascii.b2a_base64(form, newline=False).decode()}
        elif isinstance(form, str) and BINARY.fullmatch(mime):
            forms[mime] = {"base64": "".join(text_of(form).split())}
        elif isinstance(form, str):
            forms[mime] = text_of(form)
        elif form is not None:
            forms[mime] = text_of(dumps(form))
    return forms


def metadata_of(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Metadata, without what JSON has no word for."""
    found = {}
    for name, value in (metadata or {}).items():
        try:
            dumps(value)
        except (TypeError, ValueError, RecursionError):
            continue
        found[text_of(name)] = value
    return found


class Results(DisplayHook):
    """The value of a cell's last expression."""

    def write_output_prompt(self) -> None:
        """Whoever shows the result numbers it."""

    def write_format_data(
        self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None
    ) -> None:
        """Send it."""
        self.shell.answer("result", data=forms_of(format_dict), metadata=metadata_of(md_dict))

    def finish_displayhook(self) -> None:
        """Nothing follows it."""
        self._is_active = False


class Displays(DisplayPublisher):
    """What a cell displays."""

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *_: object,
        **__: object,
    ) -> None:
        """Send it."""
        self.shell.answer("display", data=forms_of(data), metadata=metadata_of(metadata))

    def clear_output(self, wait: bool = False) -> None:
        """What was displayed stays: a result is a record of all of it."""


class AfterImport:
    """Does something to a module as soon as a cell imports it.

    Matplotlib is told to draw into the results. A variable of the environment would do that, too,
    but for every program that a cell starts.

    Args:
        then: What is done, by the module's name.
    """

    def __init__(self, then: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._then = then

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """The import system asks this one first."""
        if name not in self._then:
            return None
        import importlib.util

        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is None or spec.loader is None:
            return spec
        run, then = spec.loader.exec_module, self._then[name]

        def exec_module(module: ModuleType) -> None:
            run(module)
            then(module)

        spec.loader.exec_module = exec_module
        return spec


def draw_inline(matplotlib: Any) -> None:
    """Have figures drawn into the results, unless the session's owner says otherwise."""
    if "MPLBACKEND" not in os.environ:
        with contextlib.suppress(ValueError):  # it does not know it, and draws otherwise
            matplotlib.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
