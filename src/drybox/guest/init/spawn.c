#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"
#include "init.h"
#include "numbers.h"
#include "spawn.h"
#include "usage.h"

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Sets a resource limit, as far as it is not lower already. */
void limit(int what, unsigned long value)
{
    struct rlimit old, both = {value, value};
    if (!getrlimit(what, &old) && old.rlim_max < value)
        both.rlim_cur = both.rlim_max = old.rlim_max;
    setrlimit(what, &both);
}

/* Nowhere is a folder that is gone: what starts there cannot look at the program's own. */
static int enter(const char *folder)
{
    static const char gone[] = "/tmp/gone";
    if (*folder)
        return chdir(folder);
    return mkdir(gone, 0700) || chdir(gone) || rmdir(gone);
}

/* The ends that a program gets; -1 for none. */
struct ends {
    int in, out, err, report, channel, ask, tell;
};

static int move_up(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD, 16);
}

/* report is the end of a pipe that tells init of a failure; channel the socket that a prestarted
 * process gets its job over. */
static void become(const struct order *order, struct ends ends)
{
    int report = move_up(ends.report), ask = move_up(ends.ask), tell = move_up(ends.tell);
    int told = ask >= 0 ? TELL + 1 : ASK; /* the first number that is free */
    setsid(); /* so that a signal to its own group is no signal to init: gVisor's would end it */
    reset_signals();
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its /proc files are not its own */
    /* The kernel prefers the program, not its init, when memory runs out. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        close(fd);
    int standard[] = {ends.in, ends.out, ends.err};
    for (int i = 0; i < 3; i++)
        dup2(standard[i], i);
    if (order->rows)
        ioctl(0, TIOCSCTTY, 0);
    if (ends.channel >= 0)
        dup2(ends.channel, CHANNEL);
    if (order->has_forks)
        dup2(OUTSIDE, FORKS);
    if (ask >= 0)
        dup2(ask, ASK), dup2(tell, TELL);
    dup2(report, told);
    fcntl(told, F_SETFD, FD_CLOEXEC);
    int kept = (ends.channel >= 0) + (order->has_forks != 0);
    if (syscall(SYS_close_range, told + 1, CHANNEL - 1, 0) ||
        syscall(SYS_close_range, CHANNEL + kept, ~0u, 0))
        for (int extra = told + 1; extra < 1024; extra++)
            if (extra < CHANNEL || extra >= CHANNEL + kept)
                close(extra);
    limit(RLIMIT_NOFILE, order->open_files);
    /* Counted for the host's user as well, so the program may take but a part of them. */
    limit(RLIMIT_SIGPENDING, 1024);
    limit(RLIMIT_MSGQUEUE, 256 << 10);
    umask(022);
    /* Found on this process's own PATH: a PATH of the request is for the program only. */
    if (!enter(order->cwd))
        execvpe(order->argv[0], order->argv, order->env);
    int problem = errno;
    if (write(told, &problem, sizeof problem) < 0)
        _exit(126);
    _exit(127);
}

static void make_pipes(int in[2], int out[2], int err[2], int line[2], int has_channel)
{
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
        (has_channel && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line)))
        die("no pipe: %s", strerror(errno));
}

static void do_not_wait(const struct process *made)
{
    fcntl(made->in, F_SETFL, O_NONBLOCK);
    fcntl(made->out, F_SETFL, O_NONBLOCK);
    fcntl(made->err, F_SETFL, O_NONBLOCK);
    fcntl(made->ask, F_SETFL, O_NONBLOCK);
    fcntl(made->tell, F_SETFL, O_NONBLOCK);
}

/* The program's end of a terminal. gVisor's kernel has it by its name alone. */
static int other_end(int master)
{
    char path[32];
    unsigned number;
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave >= 0 || ioctl(master, TIOCGPTN, &number))
        return slave;
    snprintf(path, sizeof path, "/dev/pts/%u", number);
    return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Makes a terminal of the sandbox's own. Returns 0, or the number that says why it could not. */
static int make_terminal(int in[2], int out[2], int err[2], const struct order *order)
{
    struct winsize size = {.ws_row = order->rows, .ws_col = order->columns};
    int yes = 0, slave = -1, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &yes) || ioctl(master, TIOCSWINSZ, &size) ||
        (slave = other_end(master)) < 0) {
        int problem = errno;
        if (master >= 0)
            close(master);
        return problem;
    }
    in[0] = slave, in[1] = fcntl(master, F_DUPFD_CLOEXEC, 0);
    out[0] = master, out[1] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
    err[0] = -1, err[1] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
    if (in[1] < 0 || out[1] < 0 || err[1] < 0)
        die("no terminal: %s", strerror(errno));
    return 0;
}

/* Starts what is ordered. Returns 0, or the number that says why it could not. */
int spawn(struct process *made, const struct order *order)
{
    int in[2], out[2], err[2], report[2], line[2] = {-1, -1}, problem = 0;
    int ask[2] = {-1, -1}, tell[2] = {-1, -1};
    if (!order->rows)
        make_pipes(in, out, err, line, order->has_channel);
    else if ((problem = make_terminal(in, out, err, order)))
        return problem;
    if (pipe2(report, O_CLOEXEC) ||
        (order->is_kernel && (pipe2(ask, O_CLOEXEC) || pipe2(tell, O_CLOEXEC))))
        die("no pipe: %s", strerror(errno));
    *made = (struct process){-1, in[1],   out[0], err[0], line[0],
                             -1, {out[1], err[1]}, ask[1], tell[0]};
    if (!order->rows)
        widen(made, order->output);
    made->pid = fork();
    if (made->pid == 0)
        become(order, (struct ends){in[0], out[1], err[1], report[1], line[1], ask[0], tell[1]});
    close(in[0]), close(report[1]);
    if (order->has_channel)
        close(line[1]);
    if (order->is_kernel)
        close(ask[0]), close(tell[1]);
    if (made->pid < 0)
        problem = errno;
    else if (read(report[0], &problem, sizeof problem) <= 0)
        problem = 0;
    close(report[0]);
    do_not_wait(made);
    if (problem && made->pid > 0)
        waitpid(made->pid, NULL, 0);
    if (problem)
        let_go(made);
    return problem;
}

/* Gives a template what a child of it needs to become a process of this sandbox. Which one that is,
 * joined() tells. Returns 0, or the number that says why it could not. */
int invite(struct process *made, uint32_t output)
{
    int in[2], out[2], err[2], line[2], yes = 1;
    make_pipes(in, out, err, line, 1);
    *made = (struct process){-1, in[1], out[0], err[0], line[0], -1, {out[1], err[1]}, -1, -1};
    widen(made, output);
    do_not_wait(made);
    int fds[] = {own_pidfd(), in[0], out[1], err[1], line[1]};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof fds)];
    } control = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                          .cmsg_len = CMSG_LEN(sizeof fds)}};
    memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
    struct iovec word = {"J", 1};
    struct msghdr all = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = sizeof control};
    int problem = 0;
    if (setsockopt(OUTSIDE, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) ||
        sendmsg(OUTSIDE, &all, MSG_NOSIGNAL) != 1)
        problem = errno;
    close(in[0]), close(line[1]);
    if (problem)
        let_go(made);
    return problem;
}

/* Takes one word of what has come from a template. Returns who said it, by the kernel's word. */
static pid_t hear(int *listener)
{
    char word;
    struct iovec data = {&word, 1};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr all = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = sizeof control};
    struct ucred who = {0};
    if (recvmsg(OUTSIDE, &all, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&all); head; head = CMSG_NXTHDR(&all, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
            memcpy(&who, CMSG_DATA(head), sizeof who);
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
            memcpy(listener, CMSG_DATA(head), sizeof *listener);
    }
    return who.pid;
}

/* The process that has come from a template; 0 if none has, or one whose sockets nobody would be
 * told of. Its filter came before it. */
pid_t joined(int *listener)
{
    pid_t who = hear(listener);
    if (who > 1)
        who = hear(listener);
    close(OUTSIDE);
    return who > 1 && (*listener >= 0 || !holds_creations()) ? who : 0;
}

/* Gives a program's output room, so that what it wrote is there whatever ends it: some runtimes
 * let go of what a pipe does not take at once. Where the kernel allows less, that is what it has.
 * */
void widen(const struct process *made, uint32_t bytes)
{
    if (!bytes)
        return;
    fcntl(made->out, F_SETPIPE_SZ, bytes);
    fcntl(made->err, F_SETPIPE_SZ, bytes);
}

/* Closes whatever init still holds of a process. */
void let_go(struct process *made)
{
    int fds[] = {made->in,       made->out,     made->err,    made->channel,
                 made->listener, made->kept[0], made->kept[1], made->ask,     made->tell};
    for (int i = 0; i < 9; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *made = (struct process)NOBODY;
}

/* Payload: 32-bit deadline in ms, most sockets, open files, room for output, argc, envc; then
 * cwd, argv and environment, each with its NUL. Returns 0, or the number that says why it could not
 * be started. `order` has what else is ordered. */
int launch(struct process *made, char *p, size_t n, struct order order)
{
    unsigned char *head = (unsigned char *)p;
    if (n < 26 || p[n - 1])
        die("a malformed run request");
    uint32_t open_files = get32(head + 8), argc = get32(head + 16), envc = get32(head + 20);
    if (!argc || argc > n || envc > n)
        die("a malformed run request");
    char **strings = calloc(argc + envc + 3, sizeof *strings), **env = strings + argc + 2;
    if (!strings)
        die("no memory for the arguments");
    char *at = p + 24, *stop = p + n;
    order.open_files = open_files, order.output = get32(head + 12);
    order.argv = strings, order.env = env, order.cwd = at;
    for (uint32_t i = 0; i <= argc + envc; i++) {
        if (at >= stop)
            die("a malformed run request");
        if (i)
            (i <= argc ? strings : env - argc)[i - 1] = at;
        at += strlen(at) + 1;
    }
    int problem = spawn(made, &order);
    free(strings);
    return problem;
}
