#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../die.h"
#include "../frames.h"
#include "../init.h"
#include "../numbers.h"
#include "../prestart.h"
#include "../spawn.h"
#include "../time_slice.h"
#include "../usage.h"
#include "input_buffer.h"
#include "outlet.h"
#include "programs.h"
#include "tree.h"

#define BOOST_NS 20000000u /* nanoseconds in which a program has short time slices */
#define IS_KERNEL 1
#define HAS_TERMINAL 2

enum state { FREE, RUNS, ENDED, LEFT }; /* left: told of, but somebody still has its streams */

static struct program {
    enum state state;
    uint32_t number;
    pid_t pid;
    int terminal; /* our end of it; -1 for none */
    int is_kernel;
    struct input_buffer in[2];
    struct outlet out;
    int status, timed_out, out_of_bounds;
    uint64_t start, end, deadline;
    struct rusage used;
} programs[MOST_PROGRAMS];

static uint64_t lengthen_at = UINT64_MAX; /* when time slices are to be lengthened */
static uint64_t oom_kills_told;

static struct program *find(const unsigned char *p, size_t n, size_t least)
{
    if (n < least)
        die("a malformed request for a program");
    uint32_t number = get32(p);
    for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
        if (a->number == number && (a->state == RUNS || a->state == ENDED))
            return a;
    return NULL; /* it has ended meanwhile */
}

static void set_free(struct program *a)
{
    input_buffer_close(&a->in[0]), input_buffer_close(&a->in[1]);
    outlet_close(&a->out);
    a->state = FREE;
}

/* A free place; if there is none, that of a program which is over but for its streams. */
static struct program *make_place(void)
{
    for (enum state wanted = FREE; wanted <= LEFT; wanted += LEFT - FREE)
        for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
            if (a->state == wanted) {
                if (wanted == LEFT)
                    set_free(a);
                return a;
            }
    return NULL;
}

static void refuse(uint32_t number, int problem)
{
    unsigned char frame[8];
    put32(frame, number), put32(frame + 4, problem);
    answer('N', frame, sizeof frame);
}

/* Payload: number, what it is, rows, columns, bytes of output that the host takes; then as for a
 * program of an execution. */
void program_start(unsigned char *p, size_t n)
{
    if (n < 13 + 8)
        die("a malformed program");
    uint32_t number = get32(p), ms = get32(p + 13);
    int flags = p[4], rows = p[5] | p[6] << 8, columns = p[7] | p[8] << 8;
    struct order order = {.is_kernel = flags & IS_KERNEL};
    if (flags & HAS_TERMINAL)
        order.rows = rows ? rows : 1, order.columns = columns;
    struct program *a = make_place();
    if (!a) {
        refuse(number, EAGAIN);
        return;
    }
    struct process made = NOBODY;
    uint64_t now = now_ns();
    int problem = launch(&made, (char *)p + 13, n - 13, order);
    if (problem) {
        refuse(number, problem);
        return;
    }
    close(made.kept[0]), close(made.kept[1]); /* so that the end of its output is seen */
    *a = (struct program){.state = RUNS, .number = number, .pid = made.pid, .start = now};
    a->terminal = order.rows ? made.out : -1;
    a->is_kernel = order.is_kernel;
    a->deadline = ms == UINT32_MAX ? UINT64_MAX : now + (uint64_t)ms * 1000000u;
    input_buffer_open(&a->in[0], made.in), input_buffer_open(&a->in[1], made.ask);
    outlet_open(&a->out, number, made.out, made.err, made.tell);
    a->out.credit = get32(p + 9);
    lengthen_at = now + BOOST_NS;
    unsigned char frame[8];
    put32(frame, number), put32(frame + 4, made.pid);
    answer('B', frame, sizeof frame);
}

/* Payload: number, which input, data. */
void program_input(const unsigned char *p, size_t n)
{
    struct program *a = find(p, n, 5);
    if (a)
        input_buffer_add(&a->in[p[4] & 1], p + 5, n - 5);
}

void program_input_end(const unsigned char *p, size_t n)
{
    struct program *a = find(p, n, 5);
    if (!a)
        return;
    a->in[p[4] & 1].ends = 1;
    input_buffer_feed(&a->in[p[4] & 1]);
}

/* The host takes so many more bytes of output. */
void program_credit(const unsigned char *p, size_t n)
{
    struct program *a = find(p, n, 8);
    if (a)
        a->out.credit += get32(p + 4);
}

/* Payload: number, signal, whether all of its tree is to end. */
void program_signal(const unsigned char *p, size_t n)
{
    struct program *a = find(p, n, 6);
    if (!a || a->state != RUNS)
        return;
    pid_t group = -1;
    if (p[5])
        kill_tree(a->pid);
    else if (a->terminal >= 0 && !ioctl(a->terminal, TIOCGPGRP, &group) && group > 1)
        kill(-group, p[4]);
    else
        kill(-a->pid, p[4]);
}

void program_resize(const unsigned char *p, size_t n)
{
    struct program *a = find(p, n, 8);
    struct winsize size = {.ws_row = p[4] | p[5] << 8, .ws_col = p[6] | p[7] << 8};
    if (a && a->terminal >= 0 && a->out.fds[OUT] == a->terminal)
        ioctl(a->terminal, TIOCSWINSZ, &size);
}

/* What to wait for: five for each program. */
int programs_poll(struct pollfd *polls)
{
    for (int i = 0; i < MOST_PROGRAMS; i++) {
        struct program *a = programs + i;
        struct pollfd *p = polls + 5 * i;
        for (int j = 0; j < 5; j++)
            p[j] = (struct pollfd){-1, j < STREAMS ? POLLIN : POLLOUT, 0};
        if (a->state == FREE)
            continue;
        for (int stream = 0; stream < STREAMS; stream++)
            if (outlet_wants(&a->out, stream))
                p[stream].fd = a->out.fds[stream];
        for (int j = 0; j < 2; j++)
            if (a->in[j].length)
                p[STREAMS + j].fd = a->in[j].fd;
    }
    return POLLS;
}

/* When something is due without anybody's doing. */
uint64_t programs_next(void)
{
    uint64_t next = lengthen_at;
    for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
        if (a->state == RUNS && !a->timed_out && a->deadline < next)
            next = a->deadline;
    return next;
}

/* Whether one runs. */
int programs_run(void)
{
    for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
        if (a->state == RUNS)
            return 1;
    return 0;
}

/* They have more than they may: all of them end. */
void programs_over(void)
{
    for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
        if (a->state == RUNS)
            a->out_of_bounds = 1;
    kill_all();
}

static int64_t micros(struct timeval t)
{
    return t.tv_sec * 1000000ll + t.tv_usec;
}

static void reap(uint64_t now)
{
    int status;
    pid_t pid;
    struct rusage used;
    while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0)
        for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++)
            if (a->state == RUNS && a->pid == pid) {
                a->state = ENDED, a->status = status, a->end = now, a->used = used;
                input_buffer_close(&a->in[0]), input_buffer_close(&a->in[1]);
                outlet_end(&a->out);
            }
}

/* Tells that a program is over. Whoever it has left behind may go on, and is read until it ends:
 * nobody's output is to fail for want of a reader. */
static void tell_end(struct program *a)
{
    unsigned char frame[4 + END];
    uint64_t kills = oom_kills();
    put32(frame, a->number);
    put32(frame + 4, a->status);
    put64(frame + 8, a->end - a->start);
    put64(frame + 16, micros(a->used.ru_utime) + micros(a->used.ru_stime));
    frame[24] = a->timed_out;
    frame[25] = a->out_of_bounds || kills > oom_kills_told;
    put64(frame + 26, (uint64_t)a->used.ru_maxrss << 10);
    oom_kills_told = kills;
    a->state = LEFT;
    answer('Z', frame, sizeof frame);
}

static void tell_input(struct program *a)
{
    unsigned char frame[9];
    for (int i = 0; i < 2; i++)
        if (a->in[i].taken && takes_chunk()) {
            put32(frame, a->number), frame[4] = i, put32(frame + 5, a->in[i].taken);
            a->in[i].taken = 0;
            queue('C', frame, sizeof frame);
        }
}

void programs_advance(const struct pollfd *polls, uint64_t now)
{
    if (now >= lengthen_at)
        lengthen_time_slices(), lengthen_at = UINT64_MAX;
    for (int i = 0; i < MOST_PROGRAMS; i++) {
        struct program *a = programs + i;
        const struct pollfd *p = polls + 5 * i;
        if (a->state == FREE)
            continue;
        if (a->state == RUNS && !a->timed_out && now >= a->deadline)
            a->timed_out = 1, kill_tree(a->pid);
        for (int j = 0; j < 2; j++)
            if (p[STREAMS + j].revents)
                input_buffer_feed(&a->in[j]);
        /* A kernel's answers come last: what it wrote before them goes before them. */
        for (int stream = 0; stream < STREAMS; stream++)
            if (p[stream].revents && outlet_wants(&a->out, stream))
                outlet_pump(&a->out, stream);
        if (a->state == RUNS)
            tell_input(a);
        /* A kernel that nothing more can be heard of ends, and the host starts another. One that
         * ends by itself has its exit status already. */
        if (a->state == RUNS && a->is_kernel && a->out.fds[ANSWERS] < 0)
            kill(a->pid, SIGKILL);
    }
    reap(now);
    for (struct program *a = programs; a < programs + MOST_PROGRAMS; a++) {
        if (a->state != FREE && outlet_done(&a->out) && a->state == ENDED)
            tell_end(a);
        if (a->state == LEFT && !outlet_open_streams(&a->out))
            set_free(a);
    }
}
