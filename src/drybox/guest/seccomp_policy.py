"""Which system calls a program in a sandbox may make: pure data, to be reviewed as such.

Whatever stands nowhere on this page fails with ENOSYS, as on a kernel that is too old to have it.
A libc meets that answer with its older way of doing the same, so a call that is invented tomorrow
is refused today without breaking the programs that try it first. Calls that exist, and are refused
because they are dangerous, fail as they would for any unprivileged user, mostly with EPERM.

`seccomp.py` beside this page turns it into a filter.
"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Mapping
from typing import Final, TypeAlias

ALLOW: Final = -1
PRETEND: Final = 0  # the kernel never sees the call, and the program is told that it worked
DEFAULT: Final = errno.ENOSYS

_ALL_BITS: Final = 0xFFFF_FFFF
_LOW_HALF: Final = 0xFFFF

# A verdict is ALLOW, the errno to fail with (0: PRETEND), or a look at one of the arguments.
Verdict: TypeAlias = "int | Switch"


@dataclasses.dataclass(frozen=True)
class Switch:
    """A verdict that depends on one argument of the call.

    Attributes:
        arg: Index of the argument.
        cases: The verdict for each value of `argument & mask`.
        otherwise: The verdict for every other value.
        mask: The bits that count. Never more than 32: the kernel reads no more of the arguments
            named on this page, and a filter that looks at more than the kernel does is fooled
            with `cmd | 1 << 32`. Fewer make a smaller filter, and are right where values that
            differ only above the mask do not exist, so that it is the kernel that refuses them
            or nothing is lost if the filter does.
    """

    arg: int
    cases: Mapping[int, Verdict]
    otherwise: Verdict
    mask: int = _ALL_BITS


def _only(arg: int, values: Mapping[str, int], otherwise: int, mask: int = _ALL_BITS) -> Switch:
    return Switch(arg, dict.fromkeys(values.values(), ALLOW), otherwise, mask)


def _all_but(arg: int, values: Mapping[str, int], answer: int, mask: int = _ALL_BITS) -> Switch:
    return Switch(arg, dict.fromkeys(values.values(), answer), ALLOW, mask)


# --- Arguments -----------------------------------------------------------------------------------

# A user namespace gives its maker every capability inside it, and with them the parts of the
# kernel that most local exploits of recent years live in. CLONE_PARENT would make a program's
# child a child of the sandbox's supervisor, which has not started it. CLONE_NEWTIME cannot be
# asked of clone(): its bit belongs to the exit signal there.
CLONE_NAMESPACES: Final = {
    "CLONE_NEWNS": 0x0002_0000,
    "CLONE_NEWCGROUP": 0x0200_0000,
    "CLONE_NEWUTS": 0x0400_0000,
    "CLONE_NEWIPC": 0x0800_0000,
    "CLONE_NEWUSER": 0x1000_0000,
    "CLONE_NEWPID": 0x2000_0000,
    "CLONE_NEWNET": 0x4000_0000,
}
CLONE_PARENT: Final = 0x0000_8000
# The supervisor, PID 1, has the program's user id, but neither its limits nor its share of the
# processor may be the program's to lower.
_NOT_THE_SUPERVISOR = Switch(0, {1: errno.EPERM}, ALLOW)
# Linux drops signals to PID 1 and says that they were sent. gVisor's kernel delivers them, SIGKILL
# and SIGSTOP too, so that the filter has to do the same there.
_SIGNAL = Switch(0, {1: PRETEND}, ALLOW)
_PRIORITY = Switch(0, {0: Switch(1, {1: errno.EPERM}, ALLOW)}, errno.EPERM)  # PRIO_PROCESS
_DISK_PRIORITY = Switch(0, {1: Switch(1, {1: errno.EPERM}, ALLOW)}, errno.EPERM)  # ..._WHO_PROCESS

_CLONE = Switch(0, {0: ALLOW}, errno.EPERM, mask=sum(CLONE_NAMESPACES.values()) | CLONE_PARENT)

# The first two type into the terminal as if the user did. The third makes the kernel load and
# run a line discipline (n_hdlc, n_gsm, slip ...) on any pseudo-terminal that the program opens.
TERMINAL_IOCTLS: Final = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSETD": 0x5423}
_IOCTL = _all_but(1, TERMINAL_IOCTLS, errno.EPERM, _LOW_HALF)

# Every other family (AF_ALG, AF_VSOCK, AF_PACKET, AF_NETLINK, AF_XDP, AF_TIPC, AF_RDS, AF_CAN,
# AF_BLUETOOTH, AF_SMC ...) is code in the kernel that no program here needs and that opening a
# socket would load. The same goes for the protocols: SCTP, DCCP, MPTCP and L2TP hide behind
# AF_INET. The errnos are those of a kernel that was built without them, so that callers fall
# back: Go, for one, tries MPTCP for each listener.
SOCKET_FAMILIES: Final = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
INTERNET_PROTOCOLS: Final = {"default": 0, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17}
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_RAW = 1, 2, 3
_SOCK_TYPE_MASK = 0xF  # the rest of the argument is SOCK_CLOEXEC and SOCK_NONBLOCK
_PROTOCOL = _only(2, INTERNET_PROTOCOLS, errno.EPROTONOSUPPORT, _LOW_HALF)
_INTERNET = Switch(
    1,
    {_SOCK_STREAM: _PROTOCOL, _SOCK_DGRAM: _PROTOCOL, _SOCK_RAW: errno.EPERM},
    errno.ESOCKTNOSUPPORT,
    mask=_SOCK_TYPE_MASK,
)
_SOCKET = Switch(
    0,
    {
        SOCKET_FAMILIES["AF_UNIX"]: ALLOW,
        SOCKET_FAMILIES["AF_INET"]: _INTERNET,
        SOCKET_FAMILIES["AF_INET6"]: _INTERNET,
    },
    errno.EAFNOSUPPORT,
    mask=_LOW_HALF,
)
_SOCKETPAIR = Switch(0, {SOCKET_FAMILIES["AF_UNIX"]: ALLOW}, errno.EAFNOSUPPORT, mask=_LOW_HALF)

# Programs for the kernel's own interpreters, and the upper-layer protocols (kTLS, espintcp) that
# would be loaded for TCP_ULP. None of the runtimes asks for either.
SOCKET_FILTERS: Final = {
    "SO_ATTACH_FILTER": 26,
    "SO_ATTACH_BPF": 50,
    "SO_ATTACH_REUSEPORT_CBPF": 51,
    "SO_ATTACH_REUSEPORT_EBPF": 52,
}
SOL_SOCKET: Final = 1
SOL_TCP: Final = 6
TCP_ULP: Final = 31
_SETSOCKOPT = Switch(
    1,
    {
        SOL_SOCKET: _all_but(2, SOCKET_FILTERS, errno.EPERM, _LOW_HALF),
        SOL_TCP: _all_but(2, {"TCP_ULP": TCP_ULP}, errno.EPERM, _LOW_HALF),
    },
    ALLOW,
    mask=_LOW_HALF,
)

# Out-of-band bytes on Unix sockets have been a way out of Chromium's renderer (CVE-2025-38236).
# A filter cannot see the family of an open socket, so TCP's urgent data goes as well; the errno
# is that of a kernel built without them.
MSG_OOB: Final = 1


def _no_urgent_data(arg: int) -> Switch:
    return _all_but(arg, {"MSG_OOB": MSG_OOB}, errno.EOPNOTSUPP, MSG_OOB)


# Devices are what is refused: a regular file, a FIFO and a socket are only names.
_S_IFMT = 0o170000
NODE_TYPES: Final = {"default": 0, "S_IFREG": 0o100000, "S_IFIFO": 0o010000, "S_IFSOCK": 0o140000}


def _no_devices(arg: int) -> Switch:
    return _only(arg, NODE_TYPES, errno.EPERM, _S_IFMT)


# What is missing: MMAP_PAGE_ZERO, READ_IMPLIES_EXEC, the emulation of other systems. Running
# without address randomisation is what sanitizers ask for, and is a program's own affair.
PERSONALITIES: Final = {
    "PER_LINUX": 0,
    "ADDR_NO_RANDOMIZE": 0x4_0000,
    "query": 0xFFFF_FFFF,
}
_PERSONALITY = _only(0, PERSONALITIES, errno.EPERM)

# What is missing, above all: PR_SET_MM (rewrites what /proc tells about the process),
# PR_SET_SPECULATION_CTRL (can lift mitigations), PR_SET_SYSCALL_USER_DISPATCH, PR_SCHED_CORE,
# PR_SET_MEMORY_MERGE (see madvise). EINVAL is a kernel's answer to an option it does not know:
# Go and glibc stop naming their mappings (PR_SET_VMA) when they hear it.
PRCTL_OPTIONS: Final = {
    "PR_SET_PDEATHSIG": 1,
    "PR_GET_PDEATHSIG": 2,
    "PR_GET_DUMPABLE": 3,
    "PR_SET_DUMPABLE": 4,
    "PR_GET_KEEPCAPS": 7,
    "PR_SET_KEEPCAPS": 8,
    "PR_SET_NAME": 15,
    "PR_GET_NAME": 16,
    "PR_GET_SECCOMP": 21,
    "PR_SET_SECCOMP": 22,  # a further filter can only tighten this one
    "PR_CAPBSET_READ": 23,
    "PR_CAPBSET_DROP": 24,
    "PR_GET_SECUREBITS": 27,
    "PR_SET_TIMERSLACK": 29,
    "PR_GET_TIMERSLACK": 30,
    "PR_SET_CHILD_SUBREAPER": 36,
    "PR_GET_CHILD_SUBREAPER": 37,
    "PR_SET_NO_NEW_PRIVS": 38,
    "PR_GET_NO_NEW_PRIVS": 39,
    "PR_SET_THP_DISABLE": 41,
    "PR_GET_THP_DISABLE": 42,
    "PR_CAP_AMBIENT": 47,
    "PR_SVE_SET_VL": 50,  # aarch64, as the PAC, tag and SME ones below; HotSpot asks for them
    "PR_SVE_GET_VL": 51,
    "PR_GET_SPECULATION_CTRL": 52,
    "PR_PAC_RESET_KEYS": 54,
    "PR_SET_TAGGED_ADDR_CTRL": 55,
    "PR_GET_TAGGED_ADDR_CTRL": 56,
    "PR_PAC_SET_ENABLED_KEYS": 60,
    "PR_PAC_GET_ENABLED_KEYS": 61,
    "PR_SME_SET_VL": 63,
    "PR_SME_GET_VL": 64,
    "PR_SET_MDWE": 65,
    "PR_GET_MDWE": 66,
}
_PRCTL = _only(0, PRCTL_OPTIONS, errno.EINVAL)

# Equal pages that the kernel has merged are slower to write to, which tells one sandbox what is
# in another's memory. EINVAL is the answer of a kernel without page merging.
MADV_MERGEABLE: Final = 12
_MADVISE = _all_but(2, {"MADV_MERGEABLE": MADV_MERGEABLE}, errno.EINVAL, _LOW_HALF)

# A listener cannot loosen this filter (the strictest one wins), but it is a large piece of kernel
# for container managers only. libseccomp takes EINVAL for "not on this kernel".
SECCOMP_NEW_LISTENER: Final = 8
_SECCOMP = _all_but(1, {"NEW_LISTENER": SECCOMP_NEW_LISTENER}, errno.EINVAL, SECCOMP_NEW_LISTENER)


# --- The calls, by what they are for --------------------------------------------------------------

# Each table maps a purpose to the names of the calls that serve it. A name that this machine's
# libseccomp or architecture does not know is left out of the filter, and so gets the default.

ALLOWED: Final[Mapping[str, str]] = {
    "read, write and position": """
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile
        copy_file_range splice tee readahead fadvise64 fallocate truncate ftruncate
        fsync fdatasync sync_file_range flock fcntl dup dup2 dup3 pipe pipe2
    """,
    "open, close and wait": """
        open openat openat2 creat close close_range memfd_create
        poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
        epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime
        timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    """,
    "names, links, directories and attributes": """
        stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
        getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat
        link linkat symlink symlinkat readlink readlinkat rename renameat renameat2
        chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask
        utime utimes futimesat utimensat
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr getxattrat listxattrat
        setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat
        removexattrat
    """,
    "memory; just-in-time compilers need the means to make it executable": """
        brk mmap mprotect munmap mremap msync mincore mlock mlock2 mlockall munlock munlockall
        pkey_alloc pkey_free pkey_mprotect map_shadow_stack mseal membarrier get_mempolicy
    """,
    "processes and threads": """
        fork vfork execve execveat exit exit_group wait4 waitid
        pidfd_open pidfd_send_signal set_tid_address set_robust_list get_robust_list rseq
        arch_prctl futex futex_waitv futex_wake futex_wait futex_requeue restart_syscall
    """,
    # On a shared library of the host, a tracer of the host's may have set probes; the kernel then
    # puts these two calls into the sandboxed program, which would die without them.
    "the host's own tracing": "uprobe uretprobe",
    "signals": """
        rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend
        sigaltstack pause
    """,
    "clocks and timers, for reading and waiting": """
        time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep times
        alarm getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun
        timer_delete
    """,
    # Without capabilities and with no_new_privs, setting these can only give something up.
    "who am I": """
        getpid getppid gettid getpgid setpgid getpgrp getsid setsid
        getuid geteuid getresuid getgid getegid getresgid getgroups
        setuid setreuid setresuid setfsuid setgid setregid setresgid setfsgid setgroups
        capget capset uname sysinfo getcpu getrandom
    """,
    # The share of the machine is the cgroup's to keep; these divide it among the program's own.
    "scheduling and limits of one's own processes": """
        sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval
        getpriority ioprio_get getrlimit setrlimit getrusage
    """,
    "sockets, once they are open": """
        bind listen accept accept4 connect getsockname getpeername getsockopt
        recvfrom recvmsg recvmmsg shutdown
    """,
    "System V and POSIX message passing, in a namespace of the sandbox's own": """
        shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
        mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    """,
    "sandboxes of the program's own, which only tighten": """
        landlock_create_ruleset landlock_add_rule landlock_restrict_self
    """,
}

# Answered with success, and not done.
PRETENDED: Final[Mapping[str, str]] = {
    # sync() writes back every file system of the host, and syncfs() the one that the host's
    # toolchains lie on: a way to slow the others. What a sandbox writes lies in memory.
    "flush whole file systems": "sync syncfs",
}

GUARDED: Final[Mapping[str, Switch]] = {
    "clone": _CLONE,
    **dict.fromkeys(
        ["prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"],
        _NOT_THE_SUPERVISOR,
    ),
    **dict.fromkeys(["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"], _SIGNAL),
    "ioprio_set": _DISK_PRIORITY,
    "setpriority": _PRIORITY,
    "ioctl": _IOCTL,
    "madvise": _MADVISE,
    "mknod": _no_devices(1),
    "mknodat": _no_devices(2),
    "personality": _PERSONALITY,
    "prctl": _PRCTL,
    "seccomp": _SECCOMP,
    "sendmmsg": _no_urgent_data(3),
    "sendmsg": _no_urgent_data(2),
    "sendto": _no_urgent_data(3),
    "setsockopt": _SETSOCKOPT,
    "socket": _SOCKET,
    "socketpair": _SOCKETPAIR,
}

# Answered with EPERM.
REFUSED: Final[Mapping[str, str]] = {
    "namespaces and mounts, the walls themselves": """
        unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount
        open_tree open_tree_attr mount_setattr
    """,
    "to look into or change other processes": """
        ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
        pidfd_getfd
    """,
    # Handles reach files by inode number, past every directory that hides them.
    "files by handle, and watching a whole mount": """
        name_to_handle_at open_by_handle_at fanotify_init fanotify_mark lookup_dcookie
    """,
    # Kernel interpreters, callbacks and caches that programs here have no use for, and that have
    # been the way in again and again.
    "large attack surface": """
        bpf perf_event_open userfaultfd add_key request_key keyctl modify_ldt
    """,
    "the machine": """
        reboot kexec_load kexec_file_load init_module finit_module delete_module
        swapon swapoff acct quotactl quotactl_fd syslog vhangup sethostname setdomainname
        iopl ioperm settimeofday clock_settime adjtimex clock_adjtime
    """,
    # Where memory lies decides whose memory bus is loaded. Reading the policy stays allowed.
    "placing memory on the machine's nodes": """
        mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages
    """,
}

# These get the default verdict anyway, and are named to show that they were thought of.
ABSENT: Final[Mapping[str, str]] = {
    # clone3 takes its flags in memory, where no filter can read them; glibc goes back to clone.
    "cannot be filtered": "clone3",
    # io_uring does most of what is decided on this page without a system call. ENOSYS rather
    # than EPERM, since all its users must expect kernels that lack it.
    "a way around this filter": "io_uring_setup io_uring_enter io_uring_register",
    # The requests in flight are counted for the whole host (fs.aio-max-nr), so that one sandbox
    # could use up what all the others need.
    "asynchronous I/O of Linux 2.6": """
        io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
    """,
    "rarely used, rarely harmless, and always with a fallback": """
        memfd_secret vmsplice remap_file_pages cachestat
    """,
    "newer than what today's runtimes expect": """
        statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
        file_getattr file_setattr
    """,
    "gone from Linux, or only ever reserved": """
        _sysctl uselib ustat sysfs create_module get_kernel_syms query_module nfsservctl
        getpmsg putpmsg afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old
        set_thread_area get_thread_area
    """,
}
