#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "held_calls.h"
#include "usage.h"

/* Where a container sees its own cgroup, version 2 and version 1. A sandbox without either
 * is measured by the host. */
static const char *oom_files[] = {"/sys/fs/cgroup/memory.events",
                                        "/sys/fs/cgroup/memory/memory.oom_control"};
static const char *peak_files[] = {"/sys/fs/cgroup/memory.peak",
                                         "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"};
static const char *socket_peak_files[] = {
    "/sys/fs/cgroup/memory/memory.kmem.tcp.max_usage_in_bytes", NULL};

/* What is not there the first time never is, and is not looked for while an answer is awaited. */
static int read_first(const char *paths[2], char *text, size_t size)
{
    for (int i = 0; i < 2; i++) {
        int fd = paths[i] ? open(paths[i], O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) {
            if (errno == ENOENT)
                paths[i] = NULL;
            continue;
        }
        ssize_t n = read(fd, text, size - 1);
        close(fd);
        if (n > 0) {
            text[n] = 0;
            return 1;
        }
    }
    return 0;
}

/* Processes that the kernel has ended for want of memory so far. */
uint64_t oom_kills(void)
{
    char text[1024], *at;
    if (!read_first(oom_files, text, sizeof text))
        return 0;
    for (at = strstr(text, "oom_kill "); at && at > text && at[-1] != '\n';)
        at = strstr(at + 1, "oom_kill ");
    return at ? strtoull(at + 9, NULL, 10) : 0;
}

/* Most bytes of memory in use at once so far; 0 where that is not told. Version 1 has a peak of
 * socket buffers apart, which is seldom of the same moment. */
uint64_t memory_peak(void)
{
    char text[64];
    if (!read_first(peak_files, text, sizeof text))
        return 0;
    uint64_t peak = strtoull(text, NULL, 10);
    return read_first(socket_peak_files, text, sizeof text) ? peak + strtoull(text, NULL, 10) : peak;
}

/* Bytes of the kernel's answers that wait in netlink sockets of the sandbox: no cgroup counts
 * them. */
uint64_t netlink_memory(void)
{
    static int is_absent;
    FILE *table = is_absent ? NULL : fopen("/proc/net/netlink", "re");
    if (!table) {
        is_absent = errno == ENOENT;
        return 0;
    }
    char line[256];
    unsigned long long sum = 0, waiting;
    while (fgets(line, sizeof line, table))
        if (sscanf(line, "%*s %*s %*s %*s %llu", &waiting) == 1)
            sum += waiting;
    fclose(table);
    return sum;
}

/* Terminals of the sandbox. Its own mount of them has a limit; that of a container's has none but
 * the kernel's, for all of the host. */
uint32_t terminals_in_use(void)
{
    uint32_t count = 0;
    struct dirent *entry;
    DIR *all = opendir("/dev/pts");
    while (all && (entry = readdir(all)))
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    if (all)
        closedir(all);
    return count;
}

/* CPU time that a process has used, in microseconds; 0 if it is gone. */
int64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int statistics = -1;
static int creations = -1; /* tells of programs that are about to make a socket, which wait */
static int nobody_left;    /* whether all whom it would tell of have ended */

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64) /* since Linux 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

/* Has each socket() and each lock on a file wait for this process, which shares a processor's time with
 * the program and would otherwise count too late. The filter on all calls is another one: the stricter decides.
 * Kernels before 5.5 and gVisor's have no such filter, nor is it to be had where a daemon has one
 * already; there sockets are counted from time to time only. */
static int hold_creations(void)
{
    struct sock_fprog filter = {HELD_CALLS_LENGTH, held_calls};
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) ||
        sizes.seccomp_notif != sizeof(struct seccomp_notif) ||
        sizes.seccomp_notif_resp != sizeof(struct seccomp_notif_resp))
        return -1;
    int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
    if (fd < 0)
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
    /* Who asks gives its processor to who answers. */
    if (fd >= 0)
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP, 0);
    return fd;
}

/* Before the filter on all calls is loaded, so that what this program opens later stays what it is
 * known for. A kernel that does not count its sockets there has nothing to be asked. */
void open_sockets(int holds)
{
    statistics = open("/proc/net/sockstat", O_RDONLY | O_CLOEXEC);
    if (statistics >= 0 && holds)
        creations = hold_creations();
}

static struct seccomp_notif asked; /* what waits for an answer; its id is 0 if nothing does */

/* Hears of the sockets of a process that has come with a filter of its own, and of no others. */
void hear_of(int listener)
{
    close(creations);
    creations = listener;
    asked.id = nobody_left = 0;
}

/* What to wait for beside everything else. */
struct pollfd socket_creations(void)
{
    return (struct pollfd){nobody_left ? -1 : creations, POLLIN, 0};
}

/* Whether a program is about to make a socket, and waits; 0 where none ever does. */
int awaits_socket(void)
{
    return asked.id && asked.data.nr == SYS_socket &&
           !ioctl(creations, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked.id);
}

int holds_creations(void)
{
    return creations >= 0;
}

/* Lets the program go on that waits, if one does. */
void admit_socket(void)
{
    struct seccomp_notif_resp answer = {.id = asked.id,
                                        .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (asked.id)
        ioctl(creations, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    asked.id = 0;
}

#define FREE_LOCKS 65536
#define LOCK_DELAY_NS 100000u
#define FORGOTTEN_NS 1000000u /* after which one lock counts no longer */

/* The kernel counts no memory of locks, nor does it tell how many a program has; so the more a program
 * has asked for lately, the longer the next one waits. One that was taken away counts as well: it may
 * have made two of one. */
static void admit_lock(void)
{
    static uint64_t locks, since;
    uint64_t now = now_ns(), forgotten = (now - since) / FORGOTTEN_NS;
    locks = locks > forgotten ? locks - forgotten : 0;
    since += forgotten * FORGOTTEN_NS;
    struct timespec delay = {0, (long)(locks++ / FREE_LOCKS * LOCK_DELAY_NS)};
    if (delay.tv_nsec)
        nanosleep(&delay, NULL);
    admit_socket();
}

/* Whether a program is about to make a socket, and waits; one that is about to lock a file goes on. */
int is_asked_for_socket(void)
{
    if (asked.id)
        return 1;
    struct pollfd waits = socket_creations();
    memset(&asked, 0, sizeof asked);
    if (poll(&waits, 1, 0) <= 0 || ioctl(creations, SECCOMP_IOCTL_NOTIF_RECV, &asked)) {
        asked.id = 0; /* who asked is gone */
        nobody_left = waits.revents & POLLHUP; /* which it would say again and again */
        return 0;
    }
    if (asked.data.nr == SYS_socket)
        return 1;
    admit_lock();
    return 0;
}

static int self = -1;

/* What a template's child joins this sandbox by; a filter lets nobody open one. */
void open_self(void)
{
    self = syscall(SYS_pidfd_open, getpid(), 0);
}

int own_pidfd(void)
{
    return self;
}

/* Sockets of the sandbox's network, of every kind, also those that are on no list. */
uint32_t sockets_in_use(void)
{
    char text[64];
    unsigned count = 0;
    ssize_t n = statistics < 0 ? 0 : pread(statistics, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    return sscanf(text, "sockets: used %u", &count) == 1 ? count : 0;
}
