/* A Python module, loaded by the interpreter of a template, that forks it into sandboxes.
 *
 * A template is an interpreter that has done its imports, in a sandbox of its own. It has seen
 * nobody's data and does nothing but this. For each order a child of it joins the namespaces of
 * another sandbox, whose init then has it as its own child, and goes on there as the prestarted
 * process.
 *
 * An order comes on descriptor FORKS: the key, and the descriptors of a socket to the other sandbox's
 * init and of the files by which its cgroups are entered. Init sends, once it is sealed: descriptors
 * of itself, of the child's standard streams and of its socket. The child says that it has come; the
 * kernel tells init which process that is.
 *
 * The key is what the filter of system calls lets setns() pass with. It lies in memory that the
 * kernel gives no child a copy of.
 *
 * Declarations of Python's are of its stable ABI, and written here, so that no headers of a certain
 * version are needed. Nothing is linked: the interpreter has all of it loaded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../init/held_calls.h"

#define FORKS 101   /* init's spawn.c has the same */
#define CHANNEL 100 /* as in init.h */
#define USER 1000   /* who a program is inside, as in seal.c */
#define MOST_CGROUPS 8
#define MOST_ORDERS 64
#define MOST_AHEAD (2 << 20) /* bytes of memory that a child copies before it has a program */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif
#define ALL_NAMESPACES                                                                             \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |     \
     CLONE_NEWCGROUP)

enum { INIT, IN, OUT, ERR, JOB, SENT };

struct order {
    int init; /* the socket to the other sandbox's init */
    int cgroups[MOST_CGROUPS], count;
};
static struct order orders[MOST_ORDERS];
static int waiting;
static uint64_t *key;

/* Receives bytes and descriptors. Returns how many bytes; sets how many descriptors. */
static ssize_t receive(int from, void *data, size_t size, int *fds, int most, int *found)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(16 * sizeof(int))];
    } control;
    struct iovec piece = {data, size};
    struct msghdr all = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(most * sizeof(int))};
    ssize_t n;
    *found = 0;
    while ((n = recvmsg(from, &all, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&all) : NULL;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        *found = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), *found * sizeof(int));
    }
    return n;
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

static void drop_order(int at)
{
    close(orders[at].init);
    close_all(orders[at].cgroups, orders[at].count);
    orders[at] = orders[--waiting];
    memset(orders + waiting, 0, sizeof *orders);
}

/* In a process of its own, which shares this memory until it ends: become a member of the other
 * sandbox, an ordinary user with no capability. */
static int join(const struct order *order, int init)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    for (int i = 0; i < order->count; i++)
        if (write(order->cgroups[i], "0", 1) != 1)
            return errno;
    if (syscall(SYS_setns, init, ALL_NAMESPACES, *key))
        return errno;
    if (syscall(SYS_setresgid, USER, USER, USER) || syscall(SYS_setresuid, USER, USER, USER))
        return errno;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
            return errno;
    if (syscall(SYS_capset, &head, none))
        return errno;
    head.pid = 0;
    if (syscall(SYS_capget, &head, none) || none[0].permitted || none[1].permitted ||
        none[0].effective || none[1].effective)
        return EPERM;
    return 0;
}

/* Has each socket() and lock of the child wait for its init: see hold_creations() in usage.c.
 * Where the kernel has no such filter, init knows. Returns 0, or what is wrong. */
static int hold_creations(int to_init)
{
    struct sock_fprog filter = {HELD_CALLS_LENGTH, held_calls};
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter, *key);
    if (fd < 0)
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter, *key);
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof fd)];
    } control = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                          .cmsg_len = CMSG_LEN(sizeof fd)}};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    struct iovec word = {"L", 1};
    struct msghdr all = {.msg_iov = &word, .msg_iovlen = 1};
    if (fd >= 0)
        all.msg_control = &control, all.msg_controllen = sizeof control;
    return sendmsg(to_init, &all, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ECHILD;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

/* Forks into the other sandbox. Returns 0 in the child; else 1, or what went wrong, negative.
 *
 * A process cannot change its own PID namespace, and is given to an init when its parent in that
 * namespace ends. So there are two processes between, which share this one's memory: one joins the
 * namespaces, one is within. Of memory there is one copy, that of the child. */
static int fork_into(const struct order *order, int init)
{
    volatile int problem = 0;
    pid_t outer = vfork();
    if (outer == 0) {
        problem = join(order, init);
        if (problem)
            _exit(1);
        pid_t inner = vfork();
        if (inner == 0) {
            problem = hold_creations(order->init);
            if (problem)
                _exit(1);
            pid_t child = fork(); /* the library's: it has handlers of its own, and others' */
            if (child == 0)
                return 0;
            if (child < 0)
                problem = errno;
            _exit(0);
        }
        if (inner < 0)
            problem = errno;
        else
            wait_for(inner);
        _exit(0);
    }
    if (outer < 0)
        return -errno;
    wait_for(outer);
    return problem ? -problem : 1;
}

/* What every program writes to: the interpreter's own variables, nearly all of them, and the
 * C library's heap where nothing else than the interpreter has filled it. A child copies these at once
 * while it waits, not page by page once its program is there. */
static struct {
    char *start;
    size_t size;
} written[2];

extern char PyType_Type[]; /* one of the variables */

static void find_written(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    unsigned long from, to;
    for (unsigned at = 0; maps && at < 2 && fgets(line, sizeof line, maps);) {
        if (sscanf(line, "%lx-%lx rw-p", &from, &to) != 2 || to - from > MOST_AHEAD)
            continue;
        int has_variables = (unsigned long)PyType_Type - from < to - from;
        if (has_variables || strstr(line, "[heap]")) {
            written[at].start = (char *)from;
            written[at++].size = to - from;
        }
    }
    if (maps)
        fclose(maps);
}

static void copy_written(void)
{
    for (int i = 0; i < 2; i++)
        if (written[i].size)
            madvise(written[i].start, written[i].size, MADV_POPULATE_WRITE);
}

/* What init does for a process that it starts itself; see become() in spawn.c. */
static void settle_in(const int sent[SENT], int to_init)
{
    sigset_t none;
    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        if (dup2(sent[IN + i], i) < 0)
            _exit(126);
    if (dup2(sent[JOB], CHANNEL) < 0 || send(to_init, "J", 1, MSG_NOSIGNAL) != 1)
        _exit(126);
    if (syscall(SYS_close_range, 3, CHANNEL - 1, 0) ||
        syscall(SYS_close_range, CHANNEL + 1, ~0u, 0) || chdir("/sandbox"))
        _exit(126);
    umask(022);
}

/* --- the module -------------------------------------------------------------------------- */

typedef struct object object;
extern object *PyLong_FromLong(long);
extern object *PyModule_Create2(void *, int);
extern void PyOS_BeforeFork(void), PyOS_AfterFork_Parent(void), PyOS_AfterFork_Child(void);

/* Carries one order out, whose init has sent what the child needs. Returns 0 in the child. */
static int carry_out(int at)
{
    int sent[SENT], found;
    char word;
    struct order order = orders[at];
    ssize_t n = receive(order.init, &word, 1, sent, SENT, &found);
    int made = -EINVAL;
    if (n == 1 && found == SENT) {
        PyOS_BeforeFork();
        made = fork_into(&order, sent[INIT]);
        if (made == 0) {
            settle_in(sent, order.init);
            copy_written();
            PyOS_AfterFork_Child();
            return 0;
        }
        PyOS_AfterFork_Parent();
    }
    if (found > 0)
        close_all(sent, found);
    drop_order(at);
    return made;
}

static void take_order(void)
{
    int fds[1 + MOST_CGROUPS], found;
    ssize_t n = receive(FORKS, key, sizeof *key, fds, 1 + MOST_CGROUPS, &found);
    if (n == 0)
        _exit(0); /* nobody asks any more */
    if (n != sizeof *key || found < 1 || waiting == MOST_ORDERS) {
        close_all(fds, found);
        return;
    }
    struct order *new = orders + waiting++;
    new->init = fds[0];
    new->count = found - 1;
    memcpy(new->cgroups, fds + 1, (found - 1) * sizeof(int));
}

/* Serves orders for ever; returns in the children alone. */
static object *serve(object *self, object *nothing)
{
    (void)self, (void)nothing;
    key = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (key == MAP_FAILED || madvise(key, 4096, MADV_WIPEONFORK))
        _exit(1);
    find_written();
    for (;;) {
        struct pollfd all[1 + MOST_ORDERS] = {{FORKS, POLLIN, 0}};
        for (int i = 0; i < waiting; i++)
            all[1 + i] = (struct pollfd){orders[i].init, POLLIN, 0};
        int before = waiting;
        if (poll(all, 1 + before, -1) < 0 && errno != EINTR)
            _exit(1);
        for (int i = before - 1; i >= 0; i--) { /* whoever is dropped makes room for the last */
            if (!all[1 + i].revents)
                continue;
            if (carry_out(i) == 0) {
                memset(orders, 0, sizeof orders);
                waiting = 0;
                return PyLong_FromLong(0);
            }
        }
        if (all[0].revents)
            take_order();
    }
}

struct method {
    const char *name;
    object *(*function)(object *, object *);
    int flags;
    const char *words;
};
static struct method methods[] = {{"serve", serve, 4, NULL}, {NULL, NULL, 0, NULL}};

static struct {
    intptr_t references;
    void *type;
    void *init;
    intptr_t index;
    void *copy;
    const char *name, *words;
    intptr_t size;
    struct method *methods;
    void *slots, *traverse, *clear, *free;
} module = {1, NULL, NULL, 0, NULL, "_drybox_template", NULL, -1, methods, NULL, NULL, NULL, NULL};

__attribute__((visibility("default"))) object *PyInit__drybox_template(void);

object *PyInit__drybox_template(void)
{
    return PyModule_Create2(&module, 3);
}
