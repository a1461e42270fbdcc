"""The seccomp profile that the daemon applies to a container, init included.

It has the rules that one comparison of an argument can express. The filter of ``guest/seccomp``,
which init loads in addition, has the others (protocols, socket options); the stricter of the two
filters decides.
"""

from __future__ import annotations

import errno
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drybox.guest.seccomp import policy
from drybox.guest.seccomp.verdicts import Group, Switch

SECCOMP_SET_MODE_FILTER = 1


@functools.lru_cache(maxsize=1)
def profile() -> str:
    """The profile as a daemon takes it: JSON."""
    allowed = [*_names(policy.ALLOWED), *_names(policy.PRETENDED)]
    refused = [*_names(policy.REFUSED)]
    syscalls: list[dict[str, Any]] = [
        {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"},
        {"names": sorted(refused), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
    ]
    x86, arm = (policy.guarded(machine) for machine in ("x86_64", "aarch64"))
    for name, switch in x86.items():
        # Which of the two architectures it is for, a profile is not told.
        rules = _allowed(switch) if switch == arm[name] else [[]]
        syscalls += ({"names": [name], "action": "SCMP_ACT_ALLOW", "args": args} for args in rules)
    # Init's filter that counts sockets; the one it loads after that allows nobody another.
    own = {"index": 0, "value": SECCOMP_SET_MODE_FILTER, "op": "SCMP_CMP_EQ"}
    syscalls.append({"names": ["seccomp"], "action": "SCMP_ACT_ALLOW", "args": [own]})
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


def _names(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        yield from group.calls.split()


def _allowed(switch: Switch) -> Iterator[list[Mapping[str, Any]]]:
    """Conditions, one rule each, under which the call passes this coarser filter."""
    passing = [value for value, verdict in switch.cases.items() if _may_pass(verdict)]
    if not _may_pass(switch.otherwise):
        for value in passing:
            yield [_masked(switch, value)]
    elif not passing and len(switch.cases) == 1 and switch.mask.bit_count() == 1:
        yield [_masked(switch, 0)]
    else:
        yield []


def _may_pass(verdict: policy.Verdict) -> bool:
    """Whether the other filter is to say it; it also says what is only pretended."""
    return not isinstance(verdict, int) or verdict in (policy.ALLOW, policy.PRETEND)


def _masked(switch: Switch, value: int) -> Mapping[str, Any]:
    return {
        "index": switch.arg,
        "value": switch.mask,
        "valueTwo": value,
        "op": "SCMP_CMP_MASKED_EQ",
    }
