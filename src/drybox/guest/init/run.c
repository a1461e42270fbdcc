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

#include "die.h"
#include "files.h"
#include "frames.h"
#include "init.h"
#include "numbers.h"
#include "output.h"
#include "prestart.h"
#include "reap.h"
#include "run.h"
#include "seal.h"
#include "spawn.h"
#include "time_slice.h"
#include "usage.h"

#define STDIN_WINDOW (64 << 10) /* bytes of stdin the host may have under way */
#define NETLINK_MOST (8 << 20)      /* bytes that may wait in its netlink sockets */
#define NETLINK_STEP 100000000u /* nanoseconds between looks at them, and at terminals */
#define MOST_TERMINALS 64       /* of the host's 4,096; a local sandbox has 32 anyway */
#define LOOK 20000000u  /* nanoseconds between looks at how many sockets there are */
#define LOOK_FULL 4000000u   /* the same while there are too many */
#define FULL_NS 500000000u   /* nanoseconds for which there may be too many, if none is added */
#define BOOST_NS 20000000u /* nanoseconds in which a program has short time slices; see time_slice.c */

static struct {
    struct process main;
    int64_t cpu_before; /* what a prestarted process used before it got its job, in microseconds */
    int status, ended, timed_out, in_eof;
    uint32_t most_sockets; /* more hold too much memory that no cgroup counts */
    int out_of_sockets; /* or of what may wait in those of netlink, or of terminals */
    uint64_t look_at; /* when they are to be counted next */
    uint64_t full_since; /* when there were too many first; 0 for not now */
    uint64_t start, end, deadline;
    uint64_t lengthen_at; /* when its time slices are to be lengthened next */
    uint64_t netlink_at;  /* when its netlink sockets are to be looked at next */
    struct rusage before;
    uint64_t kills_before, peak_before;
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
static void begin(uint32_t ms, uint32_t most_sockets)
{
    getrusage(RUSAGE_CHILDREN, &run.before);
    run.kills_before = oom_kills(), run.peak_before = had_run ? memory_peak() : 0;
    had_run = 1;
    forget_largest();
    run.start = now_ns();
    run.deadline = run.start + (uint64_t)ms * 1000000u;
    run.lengthen_at = run.start + BOOST_NS;
    run.netlink_at = run.start + NETLINK_STEP;
    run.look_at = run.start + LOOK;
    run.full_since = 0;
    run.most_sockets = most_sockets;
    run.out_of_sockets = 0;
    forget_output();
}

static void refuse(int problem)
{
    unsigned char code[4];
    put32(code, problem);
    answer('N', code, 4);
}

/* Starts a program. No prestarted process waits beside one that init itself has started. */
void start(unsigned char *p, size_t n)
{
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    dismiss_prestarted();
    forget();
    begin(n < 8 ? 0 : get32(p), n < 8 ? 0 : get32(p + 4));
    int problem = launch(&run.main, (char *)p, n, (struct order){0});
    if (problem)
        refuse(problem);
    else
        queue('B', "", 0);
}

/* Prestarts a process. Payload: the way it waits, its FIFO with a NUL, and a run request, whose
 * deadline means nothing. */
void prestart(unsigned char *p, size_t n)
{
    if (had_run || n < 2 || !memchr(p + 1, 0, n - 1))
        die("a malformed prestarted process request");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    char *fifo = (char *)p + 1;
    size_t head = 2 + strlen(fifo);
    struct process made;
    make_fifo(fifo);
    struct order order = {.has_channel = *p == HANDOFF_SOCKET,
                          .has_forks = purpose() == TEMPLATE};
    int problem = launch(&made, (char *)p + head, n - head, order);
    if (problem) {
        refuse(problem);
        return;
    }
    keep_prestarted(&made, *p, fifo);
    oom_kills(), memory_peak(); /* what is not there to be read is known before the job comes */
}

/* Has a template's child become the prestarted process. Payload: room for output. */
void await_joined(const unsigned char *p, size_t n)
{
    struct process made;
    if (had_run || n != 4 || purpose() != JOINED)
        die("a malformed request for a template's child");
    int problem = invite(&made, get32(p));
    if (problem) {
        refuse(problem);
        return;
    }
    keep_prestarted(&made, HANDOFF_SOCKET, "");
    oom_kills(), memory_peak();
}

/* Payload: 32-bit deadline in ms, most sockets, which prestarted process, room for output, then
 * what it is to read. It becomes the program; or it cannot any more, and the host has the program
 * started. */
void hand_over(const unsigned char *p, size_t n)
{
    if (n < 16)
        die("a malformed job");
    if (files_lacking()) {
        refuse(ENOENT);
        return;
    }
    forget();
    pid_t pid = choose_prestarted(get32(p + 8));
    begin(get32(p), get32(p + 4));
    run.cpu_before = pid ? cpu_of(pid) : 0;
    if (take_prestarted(&run.main, get32(p + 8), get32(p + 12), p + 16, n - 16))
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

static int64_t micros(struct timeval a, struct timeval b)
{
    return (a.tv_sec - b.tv_sec) * 1000000ll + (a.tv_usec - b.tv_usec);
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
        prestarted_ended(pid);
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
        peak = largest_process();
    unsigned char frame[END];
    put32(frame, run.status);
    put64(frame + 4, run.end - run.start);
    put64(frame + 12, micros(after.ru_utime, run.before.ru_utime) +
                          micros(after.ru_stime, run.before.ru_stime) - run.cpu_before);
    frame[20] = run.timed_out;
    frame[21] = run.out_of_sockets || oom_kills() > run.kills_before;
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

/* Ends the program if it has too many sockets. The kernel still counts some for a while after they
 * are closed (those of netlink, which a program opens to find an address): while whoever wants one
 * more waits, there is time to see whether that passes. */
static void count_sockets(uint64_t now)
{
    uint32_t used = sockets_in_use();
    run.look_at = now + LOOK;
    if (used + (uint32_t)awaits_socket() <= run.most_sockets) {
        run.full_since = 0;
        admit_socket();
        return;
    }
    if (!run.full_since)
        run.full_since = now;
    run.look_at = now + LOOK_FULL;
    if (now - run.full_since >= FULL_NS || !holds_creations() || used > 2 * run.most_sockets)
        run.out_of_sockets = 1, kill_all();
}

/* Of a program that has as many sockets as it may, the next one waits. */
struct pollfd await_sockets(void)
{
    struct pollfd asked = socket_creations();
    if (running() && run.full_since)
        asked.fd = -1;
    return asked;
}

/* A program is about to make a socket, or to lock a file. One that is being prestarted may. */
void attend_sockets(void)
{
    if (!is_asked_for_socket())
        return;
    if (running() && !run.ended && sockets_in_use() >= run.most_sockets)
        count_sockets(now_ns());
    else
        admit_socket();
}

/* What to wait for on behalf of the program: its output, if the host took what came before;
 * room for its stdin; its deadline. */
struct timespec *prepare_run(struct pollfd p[3], struct timespec *left)
{
    p[0] = p[1] = (struct pollfd){-1, POLLIN, 0};
    p[2] = (struct pollfd){-1, POLLOUT, 0};
    if (!running()) {
        p[0].fd = starting_channel();
        return NULL;
    }
    if (!answers_wait() && run.taken)
        credit();
    if (run.ended) { /* its output does not say that it is over: look, once there is room */
        *left = (struct timespec){0};
        return answers_wait() ? NULL : left;
    }
    if (run.pending_len)
        p[2].fd = run.main.in;
    uint64_t now = now_ns();
    uint64_t next = run.deadline < run.lengthen_at ? run.deadline : run.lengthen_at;
    if (run.netlink_at < next)
        next = run.netlink_at;
    if (run.look_at < next)
        next = run.look_at;
    if (run.timed_out)
        next = UINT64_MAX;
    if (!answers_wait()) {
        uint64_t output = await_output(p, run.main.out, run.main.err, now);
        next = output < next ? output : next;
    }
    uint64_t rest = next > now ? next - now : 0; /* centuries, if there is nothing to wait for */
    left->tv_sec = rest / 1000000000u;
    left->tv_nsec = rest % 1000000000u;
    return left;
}

/* Does what the wait was for, and tells the end once everything before it is told. */
void advance_run(const struct pollfd p[3])
{
    if (!running()) {
        attend_prestarted(p[0].revents);
        return;
    }
    uint64_t now = now_ns();
    if (!run.ended && !run.timed_out && now >= run.deadline) {
        run.timed_out = 1;
        kill_all();
    } else if (!run.ended && now >= run.lengthen_at) {
        lengthen_time_slices();
        run.lengthen_at = now + 2 * (now - run.start);
    }
    if (!run.ended && now >= run.netlink_at) {
        run.netlink_at = now + NETLINK_STEP;
        if (netlink_memory() > NETLINK_MOST || terminals_in_use() > MOST_TERMINALS)
            run.out_of_sockets = 1, kill_all();
    }
    if (!run.ended && now >= run.look_at)
        count_sockets(now);
    reap();
    if (p[2].revents)
        feed();
    if (!answers_wait()) {
        gather(p, run.main.out, run.main.err, now);
        if (run.ended)
            drain_both(&run.main.out, &run.main.err);
    }
    if (run.ended && run.main.out < 0 && run.main.err < 0)
        finish();
    else
        flush_some();
}
