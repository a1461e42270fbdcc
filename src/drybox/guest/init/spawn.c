#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(int what, rlim_t value)
{
    struct rlimit old, both = {value, value};
    if (!getrlimit(what, &old) && old.rlim_max < value)
        both.rlim_cur = both.rlim_max = old.rlim_max;
    setrlimit(what, &both);
}

/* fds: the program's standard streams, the end of a pipe that tells init of a failure, and the
 * socket that a runner gets its job over, or -1. */
static void become(const struct order *order, const int fds[5])
{
    int report = fcntl(fds[3], F_DUPFD, 16);
    setsid(); /* so that a signal to its own group is no signal to init: gVisor's would end it */
    reset_signals();
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its /proc files are not its own */
    /* The kernel prefers the program, not its supervisor, when memory runs out. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        close(fd);
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    if (fds[4] >= 0)
        dup2(fds[4], CHANNEL);
    dup2(report, 3);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    if (syscall(SYS_close_range, 4, CHANNEL - 1, 0) ||
        syscall(SYS_close_range, CHANNEL + (fds[4] >= 0), ~0u, 0))
        for (int extra = 4; extra < 1024; extra++)
            if (extra != CHANNEL || fds[4] < 0)
                close(extra);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, order->open_files);
    /* Counted for the host's user as well, so the program may take but a part of them. */
    limit(RLIMIT_SIGPENDING, 1024);
    limit(RLIMIT_MSGQUEUE, 256 << 10);
    umask(022);
    /* Found on this process's own PATH: a PATH of the request is for the program only. */
    if (!chdir(order->cwd))
        execvpe(order->argv[0], order->argv, order->env);
    int problem = errno;
    if (write(3, &problem, sizeof problem) < 0)
        _exit(126);
    _exit(127);
}

/* Starts what is ordered. Returns 0, or the number that says why it could not. */
int spawn(struct process *made, const struct order *order)
{
    int in[2], out[2], err[2], report[2], line[2] = {-1, -1}, problem = 0;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
        pipe2(report, O_CLOEXEC) ||
        (order->has_channel && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line)))
        die("no pipe: %s", strerror(errno));
    *made = (struct process){fork(), in[1], out[0], err[0], line[0], {out[1], err[1]}};
    if (made->pid == 0)
        become(order, (int[]){in[0], out[1], err[1], report[1], line[1]});
    close(in[0]), close(report[1]);
    if (order->has_channel)
        close(line[1]);
    if (made->pid < 0)
        problem = errno;
    else if (read(report[0], &problem, sizeof problem) <= 0)
        problem = 0;
    close(report[0]);
    fcntl(made->in, F_SETFL, O_NONBLOCK);
    fcntl(made->out, F_SETFL, O_NONBLOCK);
    fcntl(made->err, F_SETFL, O_NONBLOCK);
    if (problem && made->pid > 0)
        waitpid(made->pid, NULL, 0);
    if (problem)
        let_go(made);
    return problem;
}

/* Closes whatever init still holds of a process. */
void let_go(struct process *made)
{
    int fds[] = {made->in, made->out, made->err, made->channel, made->kept[0], made->kept[1]};
    for (int i = 0; i < 6; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *made = (struct process)NOBODY;
}
