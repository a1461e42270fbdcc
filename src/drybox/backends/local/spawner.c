/* Forks for the warden: being small, it does so in a tenth of the time that Python takes.
 *
 * Each message on descriptor 0 says "born" or "move" and names the cgroups of one new process,
 * by the files to enter them by, each word with a NUL; it brings the process's own line as a
 * descriptor. The answer is the process's id, or a negative error number. It is a child of the warden's, not of this program's,
 * and waits on its line for an order: a user's id or "-" and a command line, each word with a NUL,
 * and two descriptors, for its standard input and output and for its standard error. It becomes
 * that user and runs that command, without any environment. A line that ends ends it.
 *
 * Root's processes wait in a network namespace of their own, which the kernel takes long to
 * make. An ordinary user's cannot; their command has to make it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_BYTES (256 << 10) /* of a message; a command line has some thousand */
#define MOST_WORDS (MOST_BYTES / 2)

static char message[MOST_BYTES + 1];
static char *words[MOST_WORDS + 1];

/* Receives a message into words, which end with NULL, and count descriptors. Returns how many
 * words there are; 0 at the end, -1 for what is no message. */
static int receive(int line, int *fds, int count)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec data = {message, MOST_BYTES};
    struct msghdr all = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    ssize_t n;
    while ((n = recvmsg(line, &all, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return 0;
    struct cmsghdr *head = CMSG_FIRSTHDR(&all);
    if (message[n - 1] || all.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !head ||
        head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(count * sizeof(int)))
        return -1;
    memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    int found = 0;
    for (char *at = message; at < message + n && found < MOST_WORDS; at += strlen(at) + 1)
        words[found++] = at;
    words[found] = NULL;
    return found;
}

static void fail(const char *what)
{
    dprintf(2, "drybox: %s: %s\n", what, strerror(errno));
    _exit(125);
}

/* Leaves for a network with nothing in it but a loopback of its own. Returns whether it did. */
static int leave_network(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (syscall(SYS_unshare, CLONE_NEWNET))
        return 0;
    /* The loopback that sockets of the old one would name is not this one: ask in the new. */
    int asking = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int done = asking >= 0 && !ioctl(asking, SIOCSIFFLAGS, &loopback);
    close(asking);
    return done;
}

static int says(const char *word)
{
    for (char **at = words + 1; *at; at++)
        if (!strcmp(*at, word))
            return 1;
    return 0;
}

static void become(int has_network)
{
    if (!has_network && !says("--unshare-net")) {
        errno = EPERM;
        fail("this sandbox would have the host's network");
    }
    if (strcmp(words[0], "-")) {
        uid_t id = strtoul(words[0], NULL, 10);
        if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
            fail("cannot become another user");
    }
    umask(022);
    if (chdir("/") || syscall(SYS_close_range, 3, ~0u, 0))
        fail("cannot let go of what the warden has open");
    execve(words[1], words + 1, (char *[]){NULL});
    fail(words[1]);
}

/* What a new process does: enter its cgroups, wait for its order, carry it out. */
static void await_order(int line, int has_entered)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGTERM, SIGPIPE, SIGXFSZ};
    int fds[2], problem = 0, has_network = geteuid() == 0;
    setsid();
    dup2(1, 0); /* or the warden would wait for an answer of a spawner that is no more */
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
    if (count < 2)
        _exit(count ? 125 : 0);
    dup2(fds[1], 2);
    if ((errno = problem))
        fail("cannot enter the sandbox's cgroup");
    if ((errno = network_problem))
        fail("cannot leave the host's network");
    dup2(fds[0], 0);
    dup2(fds[0], 1);
    become(has_network);
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
        int line, has_entered, count = receive(0, &line, 1);
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
