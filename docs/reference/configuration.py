"""Writes configuration.md beside this file from the keys themselves: run './dev docs'."""

from __future__ import annotations

from pathlib import Path

from drybox.config.loader import NAME, SYSTEM_FILE
from drybox.config.options import Option, all_options

PAGE = Path(__file__).with_suffix(".md")

HEAD = f"""\
# Configuration

<!-- Written by './dev docs' from src/drybox/config/options.py. -->

Values come from these places. A later one overrides an earlier one, option by option:

1. built-in defaults,
2. `{SYSTEM_FILE}`, then `$XDG_CONFIG_HOME/drybox/{NAME}` (`~/.config/drybox/{NAME}`); or, instead
   of both, the one file that `drybox --config FILE` or `DRYBOX_CONFIG` names,
3. `DRYBOX_*` environment variables; an empty one counts as unset,
4. arguments.

A file of the current directory is [never read](../decisions/0007-configuration.md), and one that
everybody may write is refused. An unknown option is an error, and so is an unknown `DRYBOX_*`
variable. `DRYBOX_CONFIG=/dev/null` means no file.

```toml
timeout = "10s"
isolation = "docker"

[limits]
memory = "512MiB"

[images]
python = "registry.example/python@sha256:…"   # pinned by digest
"python@3.13" = "python:3.13-alpine"              # for requests of this version
```

The command line reads it for `run`, `languages`, `doctor` and `images`. From Python:

```python
from drybox import CodeExecutor, load_config

with CodeExecutor(**load_config().executor_options()) as executor:
    ...
```

An executor that is made without it reads neither files nor variables.

## Values
- **size**: `"256MiB"`, `"64m"`, `"1.5g"`, or a whole number of bytes; units are powers of 1024.
- **duration**: `"10s"`, `"500ms"`, `"2m"`, or a number of seconds.
- **list of texts**: `["memory", "cpus"]`; in a variable `memory,cpus`.
- **rate**: `"10/s"`, `"600/min"`, `"1000/h"`, `"5000/day"`.
- **true or false**: in a variable also `yes` and `no`, `on` and `off`, `1` and `0`.
"""

TAIL = """\
Each client of the HTTP service has a table `[keys.NAME]`, with a name of its own; the
[guide of keys](../guides/keys.md) tells more. In the environment the name is part of the
variable's: `DRYBOX_KEYS_WEB_SHOP_RATE` is `rate` of `[keys.web_shop]`.

An image for one version, such as `images."python@3.13"`, is `DRYBOX_IMAGES_PYTHON_3_13` in the
environment.
"""


def page() -> str:
    """The whole page."""
    sections: dict[str, list[Option]] = {}
    for key in all_options():
        sections.setdefault(key.name.rpartition(".")[0], []).append(key)
    parts = [HEAD]
    for name, keys in sections.items():
        rows = [
            f"| `{key.name.rpartition('.')[2]}` | {key.type.words} | {key.default} "
            f"| {key.meaning} | `{key.variable}` |"
            for key in keys
        ]
        title = f"## `[{name}]`" if name else "## Top level"
        head = "| key | takes | default | | variable |\n|---|---|---|---|---|"
        parts.append("\n".join([title, "", head, *rows, ""]))
    return "\n".join([*parts, TAIL])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
