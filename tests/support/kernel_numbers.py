"""Numbers of the kernel that tests of the filter name."""

from __future__ import annotations

X86_64 = 0xC000_003E
AARCH64 = 0xC000_00B7
I386 = 0x4000_0003
ARM = 0x4000_0028
X32_BIT = 0x4000_0000

KILL_PROCESS = 0x8000_0000
ALLOWED = 0x7FFF_0000
FAILED = 0x0005_0000

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM, RAW = 1, 2, 3


def table(text: str) -> dict[str, int]:
    """Numbers by name, of a text such as ``read=0 write=1``."""
    return {name: int(number, 0) for name, number in (each.split("=") for each in text.split())}


# Not known to libseccomp before 2.6; their numbers are the same everywhere.
NEWEST = table("""
    statmount=457 listmount=458 lsm_get_self_attr=459 lsm_set_self_attr=460 lsm_list_modules=461
    mseal=462 setxattrat=463 getxattrat=464 listxattrat=465 removexattrat=466 open_tree_attr=467
    file_getattr=468 file_setattr=469
""")
