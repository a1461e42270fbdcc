"""Short options by their long names.

click looks for ``-l`` among the long options first, and where it finds none collects names that
resemble it, for a message that nobody sees. That takes longer than all else of parsing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click


def spelled_out(parameters: Iterable[click.Parameter], args: Sequence[str]) -> list[str]:
    """The arguments, with short options in front of all others by their long names.

    Those that are written in another way than ``-l VALUE``, or whose value is missing, stay
    as they are, and so does everything behind them.

    Args:
        parameters: The command's.
        args: Its arguments.
    """
    options = {
        name: option
        for option in parameters
        if isinstance(option, click.Option) and option.nargs == 1
        for name in option.opts
    }
    spelled = list(args)
    at = 0
    while at < len(spelled) and (option := options.get(spelled[at])) is not None:
        if option.is_flag:
            at += 1
        elif at + 1 == len(spelled):
            break
        else:
            spelled[at] = max(option.opts, key=len)
            at += 2
    return spelled
