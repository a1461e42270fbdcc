"""The seccomp profile that the daemon puts around a container, init included.

It says of each call what one comparison can say. What takes more (which protocols, which
terminal requests) the filter of ``guest/seccomp.py`` says, which init loads on top of it;
of two filters the stricter answer counts.
"""

from __future__ import annotations

import errno
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from drybox.guest import seccomp_policy as policy
from drybox.guest.seccomp_policy import Switch


@functools.lru_cache(maxsize=1)
def profile() -> str:
    """The profile as a daemon takes it: JSON."""
    allowed = [name for names in policy.ALLOWED.values() for name in names.split()]
    allowed += [name for names in policy.PRETENDED.values() for name in names.split()]
    refused = [name for names in policy.REFUSED.values() for name in names.split()]
    syscalls: list[dict[str, Any]] = [
        {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"},
        {"names": sorted(refused), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
    ]
    for name, switch in policy.GUARDED.items():
        syscalls += (
            {"names": [name], "action": "SCMP_ACT_ALLOW", "args": args} for args in _allowed(switch)
        )
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": policy.DEFAULT,
            "archMap": [
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
            ],
            "syscalls": syscalls,
        }
    )


def _allowed(switch: Switch) -> Iterator[list[Mapping[str, Any]]]:
    """Conditions, one rule each, under which the call passes this coarser filter."""
    if switch.otherwise != policy.ALLOW:
        for value, verdict in switch.cases.items():
            if verdict == policy.ALLOW or isinstance(verdict, Switch):
                yield [_masked(switch, value)]
    elif len(switch.cases) == 1 and switch.mask.bit_count() == 1:
        yield [_masked(switch, 0)]
    else:
        yield []


def _masked(switch: Switch, value: int) -> Mapping[str, Any]:
    return {
        "index": switch.arg,
        "value": switch.mask,
        "valueTwo": value,
        "op": "SCMP_CMP_MASKED_EQ",
    }
