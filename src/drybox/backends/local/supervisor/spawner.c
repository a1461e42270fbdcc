/* Forks for the supervisor: being small, it does so in a tenth of the time that Python takes.
 *
 * Each message on descriptor 0 says "born" or "move" and names the cgroups of one new process,
 * by the files to enter them by, each word with a NUL; it brings the process's own socket as a
 * descriptor. The answer is the process's id, or a negative error number. It is a child of the
 * supervisor's, not of this program's, and waits on its socket for an order: a user, the folder in
 * which it is to have device nodes of its own or "-", and a command line, each word with a NUL, and
 * descriptors: for its standard input and output, for its standard error, perhaps one that it keeps
 * as descriptor 3, perhaps one of a template's first process. It becomes that user and runs that
 * command, without any environment. The end of the socket ends it. In a template's namespaces the
 * command line is what users.c says instead.
 *
 * The user is "-" for no other; an id; an id, "+" and a count for the first of so many ids in a user
 * namespace of their own, which is a template's; or "+" and a number for one of those in the
 * namespaces of the template that the last descriptor names.
 *
 * Root's processes wait in a network namespace of their own, which the kernel takes long to
 * make. An ordinary user's cannot; their command has to make it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "users.h"

#define MOST_BYTES (256 << 10) /* of a message; a command line has some thousand */
#define MOST_WORDS (MOST_BYTES / 2)
#define MOST_FDS 4

static char message[MOST_BYTES + 1];
static char *words[MOST_WORDS + 1];

/* Receives a message into words, which end with NULL, and at least so many descriptors; the others
 * are -1. Returns how many words there are; 0 at the end, -1 for what is no message. */
static int receive(int line, int fds[MOST_FDS], size_t fewest)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control;
    struct iovec data = {message, MOST_BYTES};
    struct msghdr all = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(line, &all, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return 0;
    struct cmsghdr *head = CMSG_FIRSTHDR(&all);
    if (message[n - 1] || all.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !head ||
        head->cmsg_type != SCM_RIGHTS || head->cmsg_len < CMSG_LEN(fewest * sizeof(int)))
        return -1;
    memset(fds, -1, MOST_FDS * sizeof(int));
    memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
    int found = 0;
    for (char *at = message; at < message + n && found < MOST_WORDS; at += strlen(at) + 1)
        words[found++] = at;
    words[found] = NULL;
    return found;
}

/* Leaves for a network with nothing in it but a loopback of its own. Returns whether it did. */
static int leave_network(void)
{
    return !syscall(SYS_unshare, CLONE_NEWNET) && bring_up_loopback();
}

static int says(const char *word)
{
    for (char **at = words + 2; *at; at++)
        if (!strcmp(*at, word))
            return 1;
    return 0;
}

/* Covers the nodes in a folder, which are the host's, with others of the same devices, in a mount
 * namespace of this process's own: locks and watches belong to a node. Only root can make nodes,
 * and not everywhere: the host's stay where it cannot. */
static void make_devices(const char *folder)
{
    static const struct {
        const char *name;
        int major, minor;
    } devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7},
                   {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
    if (syscall(SYS_unshare, CLONE_NEWNS) ||
        mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4k,nr_inodes=16,mode=0755"))
        return;
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), problem = at < 0;
    umask(0);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        problem |= mknodat(at, devices[i].name, S_IFCHR | 0666,
                           makedev(devices[i].major, devices[i].minor)) != 0;
    close(at);
    if (problem && umount2(folder, MNT_DETACH))
        fail("cannot have device nodes");
}

static void become(int has_network, int kept, int template)
{
    if (template < 0 && !has_network && !says("--unshare-net")) {
        errno = EPERM;
        fail("this sandbox would have the host's network");
    }
    /* With 1, and not with 0, a crash starts nothing on the host. Whoever started drybox may have
     * had a limit of 0: here root can raise it, while in the sandbox nobody can. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1});
    if (strcmp(words[1], "-"))
        make_devices(words[1]);
    become_user(words[0], template);
    umask(022);
    if (template >= 0)
        start_joined(words + 2, (int[]){0, 2, kept});
    if (kept >= 0 && kept != 3 && dup2(kept, 3) < 0)
        fail("cannot keep a descriptor");
    if (kept == 3)
        fcntl(3, F_SETFD, 0);
    if (chdir("/") || syscall(SYS_close_range, 3 + (kept >= 0), ~0u, 0))
        fail("cannot let go of what the supervisor has open");
    execve(words[2], words + 2, (char *[]){NULL});
    fail(words[2]);
}

/* What a new process does: enter its cgroups, wait for its order, carry it out. */
static void await_order(int line, int has_entered)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGTERM, SIGPIPE, SIGXFSZ};
    int fds[MOST_FDS], problem = 0, has_network = geteuid() == 0;
    setsid();
    dup2(1, 0); /* or the supervisor would wait for an answer of a spawner that is no more */
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_DFL);
    for (char **at = words + 1; *at && !has_entered; at++) {
        int file = open(*at, O_WRONLY | O_CLOEXEC);
        if (file < 0 || write(file, "0", 1) < 0)
            problem = errno;
        close(file);
    }
    int network_problem = has_network && !leave_network() ? errno : 0;
    int count = receive(line, fds, 2);
    if (count < 3)
        _exit(count ? 125 : 0);
    dup2(fds[1], 2);
    if ((errno = problem))
        fail("cannot enter the sandbox's cgroup");
    if ((errno = network_problem))
        fail("cannot leave the host's network");
    dup2(fds[0], 0);
    dup2(fds[0], 1);
    become(has_network, fds[2], fds[3]);
}

/* As a child of this process's parent. Version 2 lets it be born in its cgroup. */
static pid_t fork_into(char **how, int *has_entered)
{
    struct clone_args plain = {.flags = CLONE_PARENT}, born = plain;
    char *name = how[1] ? strrchr(how[1], '/') : NULL;
    pid_t pid = -1;
    if (!strcmp(how[0], "born") && name && !how[2]) {
        *name = 0;
        int folder = open(how[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
        *name = '/';
        born.flags |= CLONE_INTO_CGROUP, born.cgroup = folder;
        pid = folder < 0 ? -1 : syscall(SYS_clone3, &born, sizeof born);
        if (pid && folder >= 0)
            close(folder);
    }
    *has_entered = pid >= 0;
    if (pid < 0)
        pid = syscall(SYS_clone3, &plain, sizeof plain);
    if (pid < 0 && errno == ENOSYS) /* a container's filter hides it from libraries, too */
        pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    return pid;
}

int main(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;) {
        int fds[MOST_FDS], has_entered, count = receive(0, fds, 1), line = fds[0];
        if (count <= 0)
            return count ? 125 : 0;
        int32_t pid = fork_into(words, &has_entered);
        if (!pid)
            await_order(line, has_entered);
        if (pid < 0)
            pid = -errno;
        close(line);
        if (send(0, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid)
            return 125;
    }
}
