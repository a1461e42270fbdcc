"""Arguments of calls on sockets."""

from __future__ import annotations

import errno
from typing import Final

from drybox.guest.seccomp.verdicts import ALLOW, Guard, Switch, only, without

SOCKET_FAMILIES: Final = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
STREAM_PROTOCOLS: Final = {"default": 0, "IPPROTO_TCP": 6}
DATAGRAM_PROTOCOLS: Final = {"default": 0, "IPPROTO_UDP": 17}
NETLINK_PROTOCOLS: Final = {"NETLINK_ROUTE": 0}
SOCKET_TYPES: Final = {"SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3}
_STREAM, _DGRAM, _RAW = SOCKET_TYPES.values()
_SOCK_TYPE_MASK: Final = 0xF  # the rest of the argument is SOCK_CLOEXEC and SOCK_NONBLOCK
_ROUTE: Final = only(2, NETLINK_PROTOCOLS, errno.EPROTONOSUPPORT)
_INTERNET: Final = Switch(
    1,
    {
        _STREAM: only(2, STREAM_PROTOCOLS, errno.EPROTONOSUPPORT),
        _DGRAM: only(2, DATAGRAM_PROTOCOLS, errno.EPROTONOSUPPORT),
        _RAW: errno.EPERM,
    },
    errno.ESOCKTNOSUPPORT,
    mask=_SOCK_TYPE_MASK,
    names=SOCKET_TYPES,
)
_NETLINK: Final = Switch(
    1,
    {_DGRAM: _ROUTE, _RAW: _ROUTE},
    errno.ESOCKTNOSUPPORT,
    mask=_SOCK_TYPE_MASK,
    names=SOCKET_TYPES,
)

# Options by level. READ_* can be asked for only.
SOL_SOCKET: Final = 1
SOCKET_OPTIONS: Final = {
    "SO_REUSEADDR": 2,
    "SO_DONTROUTE": 5,
    "SO_BROADCAST": 6,
    "SO_SNDBUF": 7,
    "SO_RCVBUF": 8,
    "SO_KEEPALIVE": 9,
    "SO_OOBINLINE": 10,
    "SO_PRIORITY": 12,
    "SO_LINGER": 13,
    "SO_REUSEPORT": 15,
    "SO_PASSCRED": 16,
    "SO_RCVLOWAT": 18,
    "SO_RCVTIMEO_OLD": 20,
    "SO_SNDTIMEO_OLD": 21,
    "SO_BINDTODEVICE": 25,
    "SO_RXQ_OVFL": 40,
    "SO_PEEK_OFF": 42,
    "SO_BINDTOIFINDEX": 62,
    "SO_RCVTIMEO_NEW": 66,
    "SO_SNDTIMEO_NEW": 67,
    "SO_PASSPIDFD": 76,
    "SO_PASSRIGHTS": 83,
}
READ_SOCKET_OPTIONS: Final = {
    "SO_TYPE": 3,
    "SO_ERROR": 4,
    "SO_PEERCRED": 17,
    "SO_SNDLOWAT": 19,
    "SO_PEERNAME": 28,
    "SO_ACCEPTCONN": 30,
    "SO_PEERSEC": 31,
    "SO_PROTOCOL": 38,
    "SO_DOMAIN": 39,
    "SO_MEMINFO": 55,
    "SO_COOKIE": 57,
    "SO_PEERGROUPS": 59,
    "SO_PEERPIDFD": 77,
}
IPPROTO_IP: Final = 0
IP_OPTIONS: Final = {
    "IP_TOS": 1,
    "IP_TTL": 2,
    "IP_RECVOPTS": 6,
    "IP_RETOPTS": 7,
    "IP_PKTINFO": 8,
    "IP_MTU_DISCOVER": 10,
    "IP_RECVERR": 11,
    "IP_RECVTTL": 12,
    "IP_RECVTOS": 13,
    "IP_FREEBIND": 15,
    "IP_BIND_ADDRESS_NO_PORT": 24,
    "IP_MULTICAST_IF": 32,
    "IP_MULTICAST_TTL": 33,
    "IP_MULTICAST_LOOP": 34,
    "IP_ADD_MEMBERSHIP": 35,
    "IP_DROP_MEMBERSHIP": 36,
    "IP_UNBLOCK_SOURCE": 37,
    "IP_BLOCK_SOURCE": 38,
    "IP_ADD_SOURCE_MEMBERSHIP": 39,
    "IP_DROP_SOURCE_MEMBERSHIP": 40,
    "MCAST_JOIN_GROUP": 42,
    "MCAST_BLOCK_SOURCE": 43,
    "MCAST_UNBLOCK_SOURCE": 44,
    "MCAST_LEAVE_GROUP": 45,
    "MCAST_JOIN_SOURCE_GROUP": 46,
    "MCAST_LEAVE_SOURCE_GROUP": 47,
    "IP_MULTICAST_ALL": 49,
    "IP_UNICAST_IF": 50,
    "IP_LOCAL_PORT_RANGE": 51,
}
READ_IP_OPTIONS: Final = {"IP_OPTIONS": 4, "IP_MTU": 14}
SOL_TCP: Final = 6
TCP_OPTIONS: Final = {
    "TCP_NODELAY": 1,
    "TCP_MAXSEG": 2,
    "TCP_CORK": 3,
    "TCP_KEEPIDLE": 4,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 6,
    "TCP_SYNCNT": 7,
    "TCP_LINGER2": 8,
    "TCP_DEFER_ACCEPT": 9,
    "TCP_WINDOW_CLAMP": 10,
    "TCP_QUICKACK": 12,
    "TCP_CONGESTION": 13,
    "TCP_USER_TIMEOUT": 18,
    "TCP_FASTOPEN": 23,
    "TCP_NOTSENT_LOWAT": 25,
    "TCP_FASTOPEN_CONNECT": 30,
    "TCP_INQ": 36,
}
READ_TCP_OPTIONS: Final = {"TCP_INFO": 11, "TCP_CC_INFO": 26, "TCP_IS_MPTCP": 43}
SOL_UDP: Final = 17
UDP_OPTIONS: Final = {"UDP_CORK": 1, "UDP_SEGMENT": 103}
SOL_IPV6: Final = 41
IPV6_OPTIONS: Final = {
    "IPV6_UNICAST_HOPS": 16,
    "IPV6_MULTICAST_IF": 17,
    "IPV6_MULTICAST_HOPS": 18,
    "IPV6_MULTICAST_LOOP": 19,
    "IPV6_ADD_MEMBERSHIP": 20,
    "IPV6_DROP_MEMBERSHIP": 21,
    "IPV6_MTU_DISCOVER": 23,
    "IPV6_MTU": 24,
    "IPV6_RECVERR": 25,
    "IPV6_V6ONLY": 26,
    "IPV6_MULTICAST_ALL": 29,
    "IPV6_FLOWINFO_SEND": 33,
    "MCAST_JOIN_GROUP": 42,
    "MCAST_BLOCK_SOURCE": 43,
    "MCAST_UNBLOCK_SOURCE": 44,
    "MCAST_LEAVE_GROUP": 45,
    "MCAST_JOIN_SOURCE_GROUP": 46,
    "MCAST_LEAVE_SOURCE_GROUP": 47,
    "IPV6_RECVPKTINFO": 49,
    "IPV6_PKTINFO": 50,
    "IPV6_RECVHOPLIMIT": 51,
    "IPV6_HOPLIMIT": 52,
    "IPV6_RECVPATHMTU": 60,
    "IPV6_DONTFRAG": 62,
    "IPV6_USE_MIN_MTU": 63,
    "IPV6_RECVTCLASS": 66,
    "IPV6_TCLASS": 67,
    "IPV6_AUTOFLOWLABEL": 70,
    "IPV6_ADDR_PREFERENCES": 72,
    "IPV6_UNICAST_IF": 76,
    "IPV6_FREEBIND": 78,
}
READ_IPV6_OPTIONS: Final = {"IPV6_PATHMTU": 61}
SOL_NETLINK: Final = 270
NETLINK_OPTIONS: Final = {
    "NETLINK_PKTINFO": 3,
    "NETLINK_CAP_ACK": 10,
    "NETLINK_EXT_ACK": 11,
    "NETLINK_GET_STRICT_CHK": 12,
}

_LEVELS: Final = {
    "SOL_SOCKET": SOL_SOCKET,
    "IPPROTO_IP": IPPROTO_IP,
    "IPPROTO_TCP": SOL_TCP,
    "IPPROTO_UDP": SOL_UDP,
    "IPPROTO_IPV6": SOL_IPV6,
    "SOL_NETLINK": SOL_NETLINK,
}
_SETTABLE: Final = {
    SOL_SOCKET: SOCKET_OPTIONS,
    IPPROTO_IP: IP_OPTIONS,
    SOL_TCP: TCP_OPTIONS,
    SOL_UDP: UDP_OPTIONS,
    SOL_IPV6: IPV6_OPTIONS,
    SOL_NETLINK: NETLINK_OPTIONS,
}
_READABLE: Final = {
    **_SETTABLE,
    SOL_SOCKET: {**SOCKET_OPTIONS, **READ_SOCKET_OPTIONS},
    IPPROTO_IP: {**IP_OPTIONS, **READ_IP_OPTIONS},
    SOL_TCP: {**TCP_OPTIONS, **READ_TCP_OPTIONS},
    SOL_IPV6: {**IPV6_OPTIONS, **READ_IPV6_OPTIONS},
}

# Programs for the kernel's own interpreters, which EPERM answers; all other options that are not
# listed get the answer of a kernel that does not know them.


def _options(levels: dict[int, dict[str, int]]) -> Switch:
    return Switch(
        1,
        {level: only(2, options, errno.ENOPROTOOPT) for level, options in levels.items()},
        errno.ENOPROTOOPT,
        names=_LEVELS,
    )


MSG_OOB: Final = 1
_OUT_OF_BAND: Final = """
Out-of-band bytes on Unix sockets have been a way out of Chromium's renderer (CVE-2025-38236). A
filter cannot see the family of an open socket, so TCP's urgent data goes as well; the answer is
that of a kernel built without them.
"""


def _no_urgent_data(arg: int) -> Switch:
    return without(arg, {"MSG_OOB": MSG_OOB}, errno.EOPNOTSUPP)


GUARDS: Final = (
    Guard(
        "socket",
        Switch(
            0,
            {
                SOCKET_FAMILIES["AF_UNIX"]: ALLOW,
                SOCKET_FAMILIES["AF_INET"]: _INTERNET,
                SOCKET_FAMILIES["AF_INET6"]: _INTERNET,
                SOCKET_FAMILIES["AF_NETLINK"]: _NETLINK,
            },
            errno.EAFNOSUPPORT,
            names=SOCKET_FAMILIES,
        ),
        """
        Every other family (`AF_ALG`, `AF_VSOCK`, `AF_PACKET`, `AF_XDP`, `AF_TIPC`, `AF_RDS`,
        `AF_CAN`, `AF_BLUETOOTH`, `AF_SMC` ...) is code in the kernel that no program here needs
        and that opening a socket would load. The same goes for the protocols: SCTP, DCCP, MPTCP
        and L2TP hide behind `AF_INET`, and for a protocol that does not fit its type the kernel
        asks for a module, too. The answers are those of a kernel that was built without
        them, so that callers fall back: Go, for one, tries MPTCP for each listener. Of netlink
        there is `NETLINK_ROUTE` alone, with which runtimes list the network interfaces: those
        of the sandbox's own network namespace, where without capabilities nothing can be changed.
        """,
    ),
    Guard(
        "socketpair",
        only(0, {"AF_UNIX": SOCKET_FAMILIES["AF_UNIX"]}, errno.EAFNOSUPPORT),
        "See `socket`.",
    ),
    Guard(
        "setsockopt",
        _options(_SETTABLE),
        """
        Options by level and name. What is missing switches something for the whole host
        (`SO_TIMESTAMP` and its kin, `UDP_ENCAP`, `UDP_GRO`, `IP_MINTTL`, `TCP_MD5SIG`,
        `TCP_TX_DELAY` rewrite the kernel's code at their first and last user), runs programs in
        the kernel (`SO_ATTACH_FILTER` ...), loads modules (`TCP_ULP`), pins memory for each user
        of the host (`SO_ZEROCOPY`), or is an administrator's.
        """,
    ),
    Guard(
        "getsockopt",
        _options(_READABLE),
        """
        Those of `setsockopt` and what only tells; not `TCP_ZEROCOPY_RECEIVE`, nor a firewall's.
        """,
    ),
    Guard("sendto", _no_urgent_data(3), _OUT_OF_BAND),
    Guard("sendmsg", _no_urgent_data(2), _OUT_OF_BAND),
    Guard("sendmmsg", _no_urgent_data(3), _OUT_OF_BAND),
)
