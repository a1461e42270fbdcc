#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "users.h"

void fail(const char *what)
{
    dprintf(2, "drybox: %s: %s\n", what, strerror(errno));
    _exit(125);
}

/* The network's own: sockets made before this process came into it name another. */
int bring_up_loopback(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int asking = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int done = asking >= 0 && !ioctl(asking, SIOCSIFFLAGS, &loopback);
    close(asking);
    return done;
}

static void write_map(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, text, strlen(text)) < 0)
        fail(path);
    close(file);
}

/* Leaves for a user namespace of its own with so many users, the first of which it becomes. An
 * ordinary user has but one to give away. */
static void own_users(unsigned long first, unsigned long count)
{
    char map[64], path[64];
    int is_root = geteuid() == 0, left[2], status;
    unsigned group = getegid();
    snprintf(map, sizeof map, "0 %lu %lu\n", is_root ? first : (unsigned long)geteuid(), count);
    if (pipe2(left, O_CLOEXEC))
        fail("no pipe");
    pid_t self = getpid(), writer = is_root ? fork() : 0;
    if (is_root && !writer) { /* from outside: only there it may give others away */
        char word;
        close(left[1]);
        if (read(left[0], &word, 1) != 1)
            _exit(125);
        snprintf(path, sizeof path, "/proc/%d/uid_map", self);
        write_map(path, map);
        snprintf(path, sizeof path, "/proc/%d/gid_map", self);
        write_map(path, map);
        _exit(0);
    }
    if (writer < 0 || syscall(SYS_unshare, CLONE_NEWUSER))
        fail("cannot have a user namespace");
    if (!is_root) {
        write_map("/proc/self/setgroups", "deny");
        write_map("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1\n", group);
        write_map("/proc/self/gid_map", map);
    } else if (write(left[1], "m", 1) != 1 || waitpid(writer, &status, 0) != writer || status) {
        fail("cannot give users away");
    }
    close(left[0]), close(left[1]);
}

/* Becomes the user that the order names, in the namespaces that it names. */
void become_user(char *word, int template)
{
    char *plus = strchr(word, '+');
    int is_root = geteuid() == 0;
    unsigned long id = strtoul(plus == word ? word + 1 : word, NULL, 10);
    if (!strcmp(word, "-"))
        return;
    if (is_root && setgroups(0, NULL))
        fail("cannot leave groups");
    if (plus == word) {
        if (syscall(SYS_setns, template, CLONE_NEWUSER | CLONE_NEWPID))
            fail("cannot join the template's namespaces");
        close(template);
    } else if (plus) {
        own_users(id, strtoul(plus + 1, NULL, 10));
        id = 0;
    }
    if (setresgid(id, id, id) || setresuid(id, id, id))
        fail("cannot become another user");
}

/* What the sandbox's first process does before init: make the tree its root, with a /proc of its own.
 * The kernel gives one to who still sees another. */
static void enter_root(const char *root)
{
    char proc[4096];
    if ((size_t)snprintf(proc, sizeof proc, "%s/proc", root) >= sizeof proc)
        errno = ENAMETOOLONG, fail(root);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount(root, root, NULL, MS_BIND | MS_REC, NULL))
        fail("cannot mount the sandbox's root");
    if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        fail("cannot mount proc");
    if (chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        fail("cannot enter the sandbox's root");
}

static void become_init(char **words)
{
    static const char name[] = "sandbox";
    char *argv[] = {words[2], NULL}, *env[] = {words[1], NULL};
    setsid();
    if (syscall(SYS_sethostname, name, sizeof name - 1) || !bring_up_loopback())
        fail("cannot set up the sandbox's namespaces");
    enter_root(words[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    execve(argv[0], argv, env);
    fail(argv[0]);
}

static void own_namespaces(void)
{
    char map[64];
    unsigned user = geteuid(), group = getegid();
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its /proc files are not its own */
    if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET))
        fail("no namespaces");
    write_map("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1\n", user);
    write_map("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1\n", group);
    write_map("/proc/self/gid_map", map);
}

/* What bubblewrap does for other sandboxes. The words: the tree, the variable PATH, init. fds: its
 * standard input and output, its standard error, and its descriptor 3.
 *
 * A process changes its children's PID namespace, not its own, and may make a new one only below its
 * own. So there is one between, which makes the namespaces and is gone then; this one stays, that
 * who ends it ends all, and ends with them. */
void start_joined(char **words, const int fds[3])
{
    int status;
    for (int i = 0; i < 3; i++)
        if (!words[i])
            errno = EINVAL, fail("a malformed order");
    if (fds[2] != 3 && dup2(fds[2], 3) < 0)
        fail("cannot keep a descriptor");
    fcntl(3, F_SETFD, 0);
    if (chdir("/") || syscall(SYS_close_range, 4, ~0u, 0))
        fail("cannot let go of what the supervisor has open");
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    pid_t between = fork();
    if (between == 0) {
        own_namespaces();
        pid_t first = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (first == 0)
            become_init(words);
        if (first < 0)
            fail("no first process");
        _exit(0);
    }
    if (between < 0)
        fail("no process in the template's namespaces");
    syscall(SYS_close_range, 0, ~0u, 0);
    while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
        ;
    _exit(0);
}
