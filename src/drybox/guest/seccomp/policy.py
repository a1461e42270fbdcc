"""Which system calls a program in a sandbox may make: pure data, to be reviewed as such.

Whatever stands nowhere on these pages fails with ENOSYS, as on a kernel that is too old to have it.
A libc meets that answer with its older way of doing the same, so a call that is invented tomorrow
is refused today without breaking the programs that try it first. Calls that exist, and are refused
because they are dangerous, fail as they would for any unprivileged user, mostly with EPERM.

Asked of each call, and of each argument that decides what it does: does it touch an object that
the host or another sandbox uses too, a pool of the whole host, or another process?
"""

from __future__ import annotations

from typing import Final

from drybox.guest.seccomp import files, memory, processes, sockets
from drybox.guest.seccomp.verdicts import ALLOW, DEFAULT, PRETEND, Group, Guard, Switch, Verdict

__all__ = ["ABSENT", "ALLOW", "ALLOWED", "DEFAULT", "PRETEND", "PRETENDED", "REFUSED"]
__all__ += ["Verdict", "guarded", "guards"]


def guards(machine: str) -> tuple[Guard, ...]:
    """The calls that are allowed by their arguments.

    Args:
        machine: The architecture, as ``uname -m`` names it.
    """
    by_topic = (files.GUARDS, memory.GUARDS, processes.GUARDS, sockets.GUARDS)
    return (*files.guards_of(machine), *(guard for topic in by_topic for guard in topic))


def guarded(machine: str) -> dict[str, Switch]:
    """What decides on each of these calls, by its name."""
    return {name: guard.verdict for guard in guards(machine) for name in guard.calls.split()}


# --- The calls, by what they are for --------------------------------------------------------------

# A name that this machine's
# libseccomp or architecture does not know is left out of the filter, and so gets the default.

ALLOWED: Final[tuple[Group, ...]] = (
    Group(
        "read, write and position",
        """
            read write readv writev pread64 pwrite64 preadv pwritev lseek sendfile
            copy_file_range splice tee readahead fallocate truncate ftruncate
            flock dup dup2 dup3 pipe
        """,
    ),
    Group(
        "open, close and wait",
        """
            creat close close_range
            poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
            epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime
            timerfd_gettime inotify_init inotify_init1 inotify_rm_watch
        """,
    ),
    Group(
        "names, links, directories and attributes",
        """
            stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
            getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat
            link linkat symlink symlinkat readlink readlinkat rename renameat renameat2
            chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask
            utime utimes futimesat utimensat
            getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr getxattrat listxattrat
            setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat
            removexattrat
        """,
    ),
    Group(
        "memory; just-in-time compilers need the means to make it executable",
        """
            brk mprotect munmap mremap mincore mlock mlock2 mlockall munlock munlockall
            pkey_alloc pkey_free pkey_mprotect map_shadow_stack mseal get_mempolicy
        """,
    ),
    Group(
        "processes and threads",
        """
            fork vfork execve execveat exit exit_group wait4 waitid
            pidfd_open pidfd_send_signal set_tid_address set_robust_list get_robust_list rseq
            futex futex_waitv futex_wake futex_wait futex_requeue restart_syscall
        """,
    ),
    Group(
        "the host's own tracing",
        "uprobe uretprobe",
        """
        On a shared library of the host, a tracer of the host's may have set probes; the kernel then
        puts these two calls into the sandboxed program, which would die without them.
        """,
    ),
    Group(
        "signals",
        """
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend
            sigaltstack pause
        """,
    ),
    Group(
        "clocks and timers, for reading and waiting",
        """
            time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep times
            alarm getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun
            timer_delete
        """,
    ),
    Group(
        "who am I",
        """
            getpid getppid gettid getpgid setpgid getpgrp getsid setsid
            getuid geteuid getresuid getgid getegid getresgid getgroups
            setuid setreuid setresuid setfsuid setgid setregid setresgid setfsgid setgroups
            capget capset uname sysinfo getcpu getrandom
        """,
        """
        Without capabilities and with no_new_privs, setting these can only give something up.
        """,
    ),
    Group(
        "scheduling and limits of one's own processes",
        """
            sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr
            sched_get_priority_max sched_get_priority_min sched_rr_get_interval
            getpriority ioprio_get getrlimit getrusage
        """,
        """
        The share of the machine is the cgroup's to keep; these divide it among the program's own.
        """,
    ),
    Group(
        "sockets, once they are open",
        """
            bind listen accept accept4 connect getsockname getpeername
            recvfrom recvmsg recvmmsg shutdown
        """,
    ),
    Group(
        "System V and POSIX message passing, in a namespace of the sandbox's own",
        """
            shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
            mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
        """,
    ),
)

# Answered with success, and not done.
PRETENDED: Final[tuple[Group, ...]] = (
    Group(
        "flush files and file systems",
        "sync syncfs fsync fdatasync sync_file_range",
        """
        `sync` writes back every file system of the host, `syncfs` the one that the host's
        toolchains lie on, and `fsync` of a file there, open for reading only, has the disk write
        its cache: ways to slow the others. What a sandbox writes lies in memory.
        """,
    ),
)

# Answered with EPERM.
REFUSED: Final[tuple[Group, ...]] = (
    Group(
        "namespaces and mounts, the isolation itself",
        """
            unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount
            open_tree open_tree_attr mount_setattr
        """,
    ),
    Group(
        "to look into or change other processes",
        """
            ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
            pidfd_getfd
        """,
    ),
    Group(
        "files by handle, and watching a whole mount",
        """
            name_to_handle_at open_by_handle_at fanotify_init fanotify_mark lookup_dcookie
        """,
        """
        Handles reach files by inode number, past every directory that hides them.
        """,
    ),
    Group(
        "large attack surface",
        """
            bpf perf_event_open userfaultfd add_key request_key keyctl modify_ldt
        """,
        """
        Kernel interpreters, callbacks and caches that programs here have no use for, and that have
        been the way in again and again.
        """,
    ),
    Group(
        "the machine",
        """
            reboot kexec_load kexec_file_load init_module finit_module delete_module
            swapon swapoff acct quotactl quotactl_fd syslog vhangup sethostname setdomainname
            iopl ioperm settimeofday clock_settime adjtimex clock_adjtime
        """,
    ),
    Group(
        "placing memory on the machine's nodes",
        """
            mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages
        """,
        """
        Where memory lies decides whose memory bus is loaded. Reading the policy stays allowed.
        """,
    ),
)

# These get the default verdict anyway, and are named to show that they were thought of.
ABSENT: Final[tuple[Group, ...]] = (
    Group(
        "cannot be filtered",
        "clone3",
        """
        clone3 takes its flags in memory, where no filter can read them; glibc goes back to clone.
        """,
    ),
    Group(
        "nor can its flags",
        "openat2",
        """
        The same goes for the flags of openat2(); all its users go back to openat().
        """,
    ),
    Group(
        "a way around this filter",
        "io_uring_setup io_uring_enter io_uring_register",
        """
        io_uring does most of what is decided on this page without a system call. ENOSYS rather
        than EPERM, since all its users must expect kernels that lack it.
        """,
    ),
    Group(
        "asynchronous I/O of Linux 2.6",
        """
            io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
        """,
        """
        The requests in flight are counted for the whole host (fs.aio-max-nr), so that one sandbox
        could use up what all the others need.
        """,
    ),
    Group(
        "sandboxes of the program's own",
        """
            landlock_create_ruleset landlock_add_rule landlock_restrict_self
        """,
        """
        A rule keeps inodes of the host in its memory, and what it refuses is written to the host's
        audit log. Programs go on without: what a sandbox holds is small as it is.
        """,
    ),
    Group(
        "rarely used, rarely harmless, and always with a fallback",
        """
            memfd_secret vmsplice remap_file_pages cachestat
        """,
    ),
    Group(
        "newer than what today's runtimes expect",
        """
            statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
            file_getattr file_setattr
        """,
    ),
    Group(
        "gone from Linux, or only ever reserved",
        """
            _sysctl uselib ustat sysfs create_module get_kernel_syms query_module nfsservctl
            getpmsg putpmsg afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old
            set_thread_area get_thread_area
        """,
    ),
)
