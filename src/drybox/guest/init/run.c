#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define STDIN_WINDOW (64 << 10) /* bytes of stdin the host may have under way */
#define YOUTH 20000000u /* nanoseconds in which a program has short turns; see turns.c */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct {
    struct process main;
    int64_t cpu_before; /* what a runner used before it got its job, in microseconds */
    int status, ended, timed_out, in_eof;
    uint64_t start, end, deadline;
    uint64_t lengthen_at; /* when its turns are to be lengthened next */
    struct rusage before;
    uint64_t kills_before, peak_before;
    uint64_t largest; /* most bytes that one of its processes had at once */
    unsigned char pending[STDIN_WINDOW]; /* stdin it has not taken yet */
    size_t pending_len;
    uint32_t taken; /* bytes of stdin it has taken since the host was last told */
} run = {.main = NOBODY};

static int had_run; /* whether this is not the first command */

static void forget(void)
{
    let_go(&run.main);
    memset(&run, 0, offsetof(__typeof__(run), pending));
    run.main = (struct process)NOBODY;
    run.pending_len = run.taken = 0;
}

/* From here on the clock runs and what is used is the program's. */
static void begin(uint32_t ms)
{
    getrusage(RUSAGE_CHILDREN, &run.before);
    run.kills_before = oom_kills(), run.peak_before = had_run ? memory_peak() : 0;
    had_run = 1;
    run.largest = 0;
    run.start = now_ns();
    run.deadline = run.start + (uint64_t)ms * 1000000u;
    run.lengthen_at = run.start + YOUTH;
}

static void refuse(int problem)
{
    unsigned char code[4];
    put32(code, problem);
    answer('N', code, 4);
}

/* Payload: 32-bit deadline in ms, open files, argc, envc; then cwd, argv and environment,
 * each with its NUL. Returns 0, or the number that says why it could not be started. */
static int launch(struct process *made, char *p, size_t n, int has_channel)
{
    unsigned char *head = (unsigned char *)p;
    if (n < 18 || p[n - 1])
        die("a malformed run request");
    uint32_t open_files = get32(head + 4), argc = get32(head + 8), envc = get32(head + 12);
    if (!argc || argc > n || envc > n)
        die("a malformed run request");
    char **strings = calloc(argc + envc + 3, sizeof *strings), **env = strings + argc + 2;
    if (!strings)
        die("no memory for the arguments");
    char *at = p + 16, *stop = p + n;
    struct order order = {open_files, strings, env, at, has_channel};
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

/* Starts a program. No runner waits beside one that init itself has started. */
void start(unsigned char *p, size_t n)
{
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    dismiss_runners();
    forget();
    begin(n < 4 ? 0 : get32(p));
    int problem = launch(&run.main, (char *)p, n, 0);
    if (problem)
        refuse(problem);
    else
        queue('B', "", 0);
}

/* Starts a runner. Payload: the way it waits, its door with a NUL, and a run request, whose
 * deadline means nothing. */
void start_runner(unsigned char *p, size_t n)
{
    if (had_run || n < 2 || !memchr(p + 1, 0, n - 1))
        die("a malformed runner request");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    char *door = (char *)p + 1;
    size_t head = 2 + strlen(door);
    struct process made;
    prepare_door(door);
    int problem = launch(&made, (char *)p + head, n - head, *p == ASKS);
    if (problem) {
        refuse(problem);
        return;
    }
    keep_runner(&made, *p, door);
    oom_kills(), memory_peak(); /* what is not there to be read is known before the job comes */
}

static int64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

/* Payload: 32-bit deadline in ms, which runner, then what it is to read. It becomes the program;
 * or it cannot any more, and the host has the program started. */
void hand_over(const unsigned char *p, size_t n)
{
    if (n < 8)
        die("a malformed job");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    forget();
    pid_t pid = choose_runner(get32(p + 4));
    begin(get32(p));
    run.cpu_before = pid ? cpu_of(pid) : 0;
    if (take_runner(&run.main, get32(p + 4), p + 8, n - 8))
        queue('B', "", 0);
    else
        answer('Q', "", 0);
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

/* Takes what the program wrote. Returns 0 where there is nothing. */
static int pump(int fd, char type)
{
    unsigned char data[CHUNK];
    ssize_t n;
    while ((n = read(fd, data, sizeof data)) < 0 && errno == EINTR)
        ;
    if (n > 0)
        queue(type, data, n);
    return n > 0;
}

/* Takes all that is left of an output that nobody writes to any more, as far as there is room. */
static void drain(int *fd, char type)
{
    while (*fd >= 0 && takes_chunk())
        if (!pump(*fd, type)) {
            close(*fd);
            *fd = -1;
        }
}

static int64_t micros(struct timeval a, struct timeval b)
{
    return (a.tv_sec - b.tv_sec) * 1000000ll + (a.tv_usec - b.tv_usec);
}

/* Waits for any process, and keeps how large it was. */
pid_t wait_for_any(int *status, int options)
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
            clear_away();
        }
        runner_ended(pid);
    }
}

/* When the main process has ended, the last orphan has, whose CPU time counts, and all output is
 * out: tell the outcome. */
static void finish(void)
{
    struct rusage after;
    getrusage(RUSAGE_CHILDREN, &after);
    /* The kernel keeps one peak for all phases. Where it has none, or this phase has not passed
     * that of an earlier one, its largest process tells the least that it was. */
    uint64_t peak = memory_peak();
    if (peak <= run.peak_before)
        peak = run.largest;
    unsigned char frame[END];
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
    return run.main.pid;
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
        kill_all();
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
    if (!running()) {
        p[0].fd = coming_runner();
        return NULL;
    }
    if (!answers_wait() && run.taken)
        credit();
    if (run.ended) { /* its output does not say that it is over: look, once there is room */
        *left = (struct timespec){0};
        return answers_wait() ? NULL : left;
    }
    if (!answers_wait())
        p[0].fd = run.main.out, p[1].fd = run.main.err;
    if (run.pending_len)
        p[2].fd = run.main.in;
    if (run.timed_out)
        return NULL;
    uint64_t next = run.deadline < run.lengthen_at ? run.deadline : run.lengthen_at;
    uint64_t now = now_ns(), rest = next > now ? next - now : 0;
    left->tv_sec = rest / 1000000000u;
    left->tv_nsec = rest % 1000000000u;
    return left;
}

/* Does what the wait was for, and tells the end once everything before it is told. */
void advance_run(const struct pollfd p[3])
{
    if (!running()) {
        attend_runners(p[0].revents);
        return;
    }
    uint64_t now = now_ns();
    if (!run.ended && !run.timed_out && now >= run.deadline) {
        run.timed_out = 1;
        kill_all();
    } else if (!run.ended && now >= run.lengthen_at) {
        lengthen_turns();
        run.lengthen_at = now + 2 * (now - run.start);
    }
    reap();
    if (p[2].revents)
        feed();
    if (!answers_wait()) {
        if (p[0].revents)
            pump(run.main.out, '1');
        if (p[1].revents)
            pump(run.main.err, '2');
        if (run.ended)
            drain(&run.main.out, '1'), drain(&run.main.err, '2');
    }
    if (run.ended && run.main.out < 0 && run.main.err < 0)
        finish();
    else
        flush_some();
}
