#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
    struct process main;
    int waits;          /* whether it is a runner that has no job yet */
    char door[256];     /* the file that such a runner waits to read, if that is its job */
    int64_t cpu_before; /* what a runner used before it got its job, in microseconds */
    int status, ended, timed_out, in_eof;
    uint64_t start, end, deadline;
    struct rusage before;
    uint64_t kills_before, peak_before;
    uint64_t largest; /* most bytes that one of its processes had at once */
    unsigned char pending[STDIN_WINDOW]; /* stdin it has not taken yet */
    size_t pending_len;
    uint32_t taken; /* bytes of stdin it has taken since the host was last told */
} run = {.main = {0, -1, -1, -1, -1}};

static int had_run; /* whether this is not the first command */

static void forget(void)
{
    let_go(&run.main);
    memset(&run, 0, offsetof(__typeof__(run), pending));
    run.main = (struct process){0, -1, -1, -1, -1};
    run.pending_len = run.taken = 0;
}

/* From here on the clock runs and what is used is the program's. */
static void begin(uint32_t ms)
{
    getrusage(RUSAGE_CHILDREN, &run.before);
    run.kills_before = oom_kills(), run.peak_before = had_run ? memory_peak() : 0;
    had_run = 1;
    run.start = now_ns();
    run.deadline = run.start + (uint64_t)ms * 1000000u;
}

/* A runner that waits makes room for a command that it cannot become. */
static void dismiss(void)
{
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

static void refuse(int problem)
{
    unsigned char code[4];
    put32(code, problem);
    answer('N', code, 4);
}

/* Waits until the runner opens its door, a named pipe in the place of the program. From then on
 * there is nothing at that place: the program's file may come. */
static int open_door(void)
{
    for (;;) {
        struct pollfd host = {0, POLLRDHUP, 0};
        int fd = open(run.door, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0) {
            fcntl(fd, F_SETFL, 0);
            return unlink(run.door) ? die("cannot remove %s: %s", run.door, strerror(errno)), -1
                                    : fd;
        }
        if (errno != ENXIO || poll(&host, 1, 1) > 0 || waitpid(-1, NULL, WNOHANG) > 0)
            die("the runner does not come to its door: %s", strerror(errno));
    }
}

/* Payload: 32-bit deadline in ms, open files, argc, envc; then cwd, argv and environment,
 * each with its NUL. A runner has no deadline: it waits for its job. The last argument of one
 * with a door is the door. */
void start(unsigned char *p, size_t n, enum kind kind)
{
    int is_runner = kind != PROGRAM;
    if (n < 18 || p[n - 1])
        die("a malformed run request");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    uint32_t ms = get32(p), open_files = get32(p + 4), argc = get32(p + 8), envc = get32(p + 12);
    if (!argc || argc > n || envc > n)
        die("a malformed run request");
    char **strings = calloc(argc + envc + 3, sizeof *strings), **env = strings + argc + 2;
    if (!strings)
        die("no memory for the arguments");
    char *at = (char *)p + 16, *stop = (char *)p + n;
    struct order order = {open_files, strings, env, at, kind == RUNNER};
    for (uint32_t i = 0; i <= argc + envc; i++) {
        if (at >= stop)
            die("a malformed run request");
        if (i)
            (i <= argc ? strings : env - argc)[i - 1] = at;
        at += strlen(at) + 1;
    }
    if (run.waits)
        dismiss();
    forget();
    if (!is_runner)
        begin(ms);
    if (kind == RUNNER_WITH_DOOR) {
        snprintf(run.door, sizeof run.door, "%s", strings[argc - 1]);
        if (mkfifo(run.door, 0600))
            die("cannot make %s: %s", run.door, strerror(errno));
    }
    int problem = spawn(&run.main, &order);
    free(strings);
    if (problem) {
        refuse(problem);
    } else if (is_runner) {
        run.waits = 1;
        if (kind == RUNNER_WITH_DOOR) {
            run.main.channel = open_door();
            answer('W', "", 0);
        }
    } else {
        queue('B', "", 0);
    }
}

static int64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

/* Gives the program's file through the door. A runner that goes away meanwhile was killed,
 * which is told in its time. */
static void pass_program(void)
{
    unsigned char data[CHUNK];
    ssize_t n = 0;
    int file = open(run.door, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        die("there is no %s: %s", run.door, strerror(errno));
    while ((n = read(file, data, sizeof data)) > 0)
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(run.main.channel, data + done, n - done)) < 0) {
                close(file);
                return;
            }
    close(file);
}

/* Payload: 32-bit deadline in ms, then what the runner is to read. It becomes the program. */
void hand_over(const unsigned char *p, size_t n)
{
    if (n < 4 || !run.waits)
        die("a job, but no runner for it");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    begin(get32(p));
    run.cpu_before = cpu_of(run.main.pid);
    if (*run.door)
        pass_program();
    else if (send(run.main.channel, p + 4, n - 4, MSG_DONTWAIT) != (ssize_t)(n - 4))
        die("the runner does not take its job");
    close(run.main.channel);
    run.main.channel = -1;
    run.waits = 0;
    queue('B', "", 0);
}

/* A runner says with one byte that it waits; whatever else it does is its end. */
static void attend(const struct pollfd *p)
{
    char word;
    if (p->revents && read(run.main.channel, &word, 1) == 1 && word == 'W')
        answer('W', "", 0);
    else if (p->revents || waitpid(-1, NULL, WNOHANG) > 0)
        die("the runner has ended");
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
    if (run.main.in >= 0)
        close(run.main.in);
    run.main.in = -1;
}

/* Gives the program what it takes of its stdin; what it will never take is let go. */
static void feed(void)
{
    size_t done = 0;
    while (run.main.in >= 0 && done < run.pending_len) {
        ssize_t n = write(run.main.in, run.pending + done, run.pending_len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            close_stdin();
        else
            done += n;
    }
    if (run.main.in < 0)
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

static pid_t wait_for_any(int *status, int options)
{
    struct rusage used;
    pid_t pid = wait4(-1, status, options, &used);
    if (pid > 0 && (uint64_t)used.ru_maxrss << 10 > run.largest)
        run.largest = (uint64_t)used.ru_maxrss << 10;
    return pid;
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = wait_for_any(&status, WNOHANG)) > 0) {
        if (pid == run.main.pid && !run.ended) {
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
    while (wait_for_any(&status, 0) > 0 || errno == EINTR)
        ;
    struct rusage after;
    getrusage(RUSAGE_CHILDREN, &after);
    /* The kernel keeps one peak for all phases. Where it has none, or this phase has not passed
     * that of an earlier one, its largest process tells the least that it was. */
    uint64_t peak = memory_peak();
    if (peak <= run.peak_before)
        peak = run.largest;
    unsigned char frame[30];
    put32(frame, run.status);
    put64(frame + 4, run.end - run.start);
    put64(frame + 12, micros(after.ru_utime, run.before.ru_utime) +
                          micros(after.ru_stime, run.before.ru_stime) - run.cpu_before);
    frame[20] = run.timed_out;
    frame[21] = oom_kills() > run.kills_before;
    put64(frame + 22, peak);
    close_stdin();
    run.main.pid = 0;
    queue('Z', frame, sizeof frame);
    flush_all();
}

/* Whether a program runs, or its end has not been told yet. */
int running(void)
{
    return run.main.pid && !run.waits;
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
    if (run.waits)
        p[0].fd = run.main.channel;
    if (!running())
        return NULL;
    if (!answers_wait() && run.taken)
        credit();
    if (!answers_wait())
        p[0].fd = run.main.out, p[1].fd = run.main.err;
    if (run.pending_len)
        p[2].fd = run.main.in;
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
    if (run.waits)
        attend(p);
    if (!running())
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
            pump(&run.main.out, '1');
        if (p[1].revents)
            pump(&run.main.err, '2');
        flush_some();
    }
    if (run.ended && run.main.out < 0 && run.main.err < 0 && !answers_wait())
        finish();
}
