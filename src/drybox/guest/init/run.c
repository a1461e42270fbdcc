#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define STDIN_WINDOW (64 << 10) /* bytes of stdin the host may have under way */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct {
    pid_t pid;          /* the main process; 0 when none runs */
    int out, err, in;   /* our ends of its pipes; -1 when closed */
    int status, ended, timed_out, in_eof;
    uint64_t start, end, deadline;
    struct rusage before;
    uint64_t kills_before, peak_before;
    unsigned char pending[STDIN_WINDOW]; /* stdin it has not taken yet */
    size_t pending_len;
    uint32_t taken; /* bytes of stdin it has taken since the host was last told */
} run = {.out = -1, .err = -1, .in = -1};

static int had_run; /* whether this is not the first command */

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

static void become(int in, int out, int err, int report, uint32_t open_files, char **argv,
                   char **env, const char *cwd)
{
    reset_signals();
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its /proc files are not its own */
    /* The kernel prefers the program, not its supervisor, when memory runs out. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        close(fd);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    dup2(report, 3);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    if (syscall(SYS_close_range, 4, ~0u, 0))
        for (int extra = 4; extra < 1024; extra++)
            close(extra);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, open_files);
    /* Counted for the host's user as well, so the program may take but a part of them. */
    limit(RLIMIT_SIGPENDING, 1024);
    limit(RLIMIT_MSGQUEUE, 256 << 10);
    umask(022);
    /* Found on this process's own PATH: a PATH of the request is for the program only. */
    if (!chdir(cwd))
        execvpe(argv[0], argv, env);
    int problem = errno;
    if (write(3, &problem, sizeof problem) < 0)
        _exit(126);
    _exit(127);
}

/* Payload: 32-bit deadline in ms, open files, argc, envc; then cwd, argv and environment,
 * each with its NUL. */
void start(unsigned char *p, size_t n)
{
    int in[2], out[2], err[2], report[2], problem = 0;
    if (n < 18 || p[n - 1])
        die("a malformed run request");
    uint32_t ms = get32(p), open_files = get32(p + 4), argc = get32(p + 8), envc = get32(p + 12);
    if (!argc || argc > n || envc > n)
        die("a malformed run request");
    char **strings = calloc(argc + envc + 3, sizeof *strings), **env = strings + argc + 2;
    if (!strings)
        die("no memory for the arguments");
    char *at = (char *)p + 16, *stop = (char *)p + n, *cwd = at;
    for (uint32_t i = 0; i <= argc + envc; i++) {
        if (at >= stop)
            die("a malformed run request");
        if (i)
            (i <= argc ? strings : env - argc)[i - 1] = at;
        at += strlen(at) + 1;
    }
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
        pipe2(report, O_CLOEXEC))
        die("no pipe: %s", strerror(errno));
    memset(&run, 0, sizeof run);
    run.in = in[1], run.out = out[0], run.err = err[0];
    getrusage(RUSAGE_CHILDREN, &run.before);
    run.kills_before = oom_kills(), run.peak_before = had_run ? memory_peak() : 0;
    had_run = 1;
    run.start = now_ns();
    run.deadline = run.start + (uint64_t)ms * 1000000u;
    run.pid = fork();
    if (run.pid == 0)
        become(in[0], out[1], err[1], report[1], open_files, strings, env, cwd);
    close(in[0]), close(out[1]), close(err[1]), close(report[1]);
    free(strings);
    if (run.pid < 0)
        problem = errno;
    else if (read(report[0], &problem, sizeof problem) <= 0)
        problem = 0;
    close(report[0]);
    if (problem) {
        if (run.pid > 0)
            waitpid(run.pid, NULL, 0);
        close(run.in), close(run.out), close(run.err);
        memset(&run, 0, sizeof run);
        run.in = run.out = run.err = -1;
        unsigned char code[4];
        put32(code, problem);
        answer('N', code, 4);
        return;
    }
    fcntl(run.in, F_SETFL, O_NONBLOCK);
    fcntl(run.out, F_SETFL, O_NONBLOCK);
    fcntl(run.err, F_SETFL, O_NONBLOCK);
    queue('B', "", 0);
}

/* Lets the host send as much stdin as the program has taken. */
static void credit(void)
{
    unsigned char frame[4];
    put32(frame, run.taken);
    run.taken = 0;
    queue('C', frame, 4);
}

static void close_stdin(void)
{
    if (run.in >= 0)
        close(run.in);
    run.in = -1;
}

/* Gives the program what it takes of its stdin; what it will never take is let go. */
static void feed(void)
{
    size_t done = 0;
    while (run.in >= 0 && done < run.pending_len) {
        ssize_t n = write(run.in, run.pending + done, run.pending_len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            close_stdin();
        else
            done += n;
    }
    if (run.in < 0)
        done = run.pending_len;
    memmove(run.pending, run.pending + done, run.pending_len - done);
    run.pending_len -= done;
    run.taken += done;
    if (run.in_eof && !run.pending_len)
        close_stdin();
}

static void pump(int *fd, char type)
{
    unsigned char data[CHUNK];
    ssize_t n = read(*fd, data, sizeof data);
    if (n > 0)
        queue(type, data, n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static int64_t micros(struct timeval a, struct timeval b)
{
    return (a.tv_sec - b.tv_sec) * 1000000ll + (a.tv_usec - b.tv_usec);
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == run.pid && !run.ended) {
            run.ended = 1;
            run.status = status;
            run.end = now_ns();
            /* The program's end is its whole tree's end, daemons included. */
            kill(-1, SIGKILL);
        }
    }
}

/* When the main process has ended and all output is out: wait for the last orphan, so
 * that its CPU time counts, and tell the outcome. */
static void finish(void)
{
    int status;
    kill(-1, SIGKILL);
    while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
        ;
    struct rusage after;
    getrusage(RUSAGE_CHILDREN, &after);
    uint64_t peak = memory_peak();
    unsigned char frame[30];
    put32(frame, run.status);
    put64(frame + 4, run.end - run.start);
    put64(frame + 12, micros(after.ru_utime, run.before.ru_utime) +
                          micros(after.ru_stime, run.before.ru_stime));
    frame[20] = run.timed_out;
    frame[21] = oom_kills() > run.kills_before;
    /* The kernel keeps one peak for all phases; one that was not passed is not this one's. */
    put64(frame + 22, peak > run.peak_before ? peak : 0);
    close_stdin();
    run.pid = 0;
    queue('Z', frame, sizeof frame);
    flush_all();
}

/* Whether a program runs, or its end has not been told yet. */
int running(void)
{
    return run.pid != 0;
}

/* A request that came while a program runs. */
void handle_running(char type, const unsigned char *p, size_t n)
{
    if (type == 'I') {
        if (run.pending_len + n > sizeof run.pending)
            die("more stdin than there is room for");
        memcpy(run.pending + run.pending_len, p, n);
        run.pending_len += n;
        feed();
    } else if (type == 'E') {
        run.in_eof = 1;
        feed();
    } else if (type == 'K') {
        kill(-1, SIGKILL);
    } else {
        die("request %d while a program runs", type);
    }
}

/* What to wait for on behalf of the program: its output, if the host took what came before;
 * room for its stdin; its deadline. */
struct timespec *prepare_run(struct pollfd p[3], struct timespec *left)
{
    p[0] = p[1] = (struct pollfd){-1, POLLIN, 0};
    p[2] = (struct pollfd){-1, POLLOUT, 0};
    if (!run.pid)
        return NULL;
    if (!answers_wait() && run.taken)
        credit();
    if (!answers_wait())
        p[0].fd = run.out, p[1].fd = run.err;
    if (run.pending_len)
        p[2].fd = run.in;
    if (run.ended || run.timed_out)
        return NULL;
    uint64_t now = now_ns(), rest = run.deadline > now ? run.deadline - now : 0;
    left->tv_sec = rest / 1000000000u;
    left->tv_nsec = rest % 1000000000u;
    return left;
}

/* Does what the wait was for, and tells the end once everything before it is told. */
void advance_run(const struct pollfd p[3])
{
    if (!run.pid)
        return;
    if (!run.ended && !run.timed_out && now_ns() >= run.deadline) {
        run.timed_out = 1;
        kill(-1, SIGKILL);
    }
    reap();
    if (p[2].revents)
        feed();
    if (!answers_wait()) {
        if (p[0].revents)
            pump(&run.out, '1');
        if (p[1].revents)
            pump(&run.err, '2');
        flush_some();
    }
    if (run.ended && run.out < 0 && run.err < 0 && !answers_wait())
        finish();
}
