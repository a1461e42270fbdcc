#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "init.h"
#include "output.h"

#define GATHERING 1000000u /* nanoseconds in which one stream's output gathers */
#define WINDOW 50000000u   /* nanoseconds in which there may be MOST_PIECES; then PAUSE begins */
#define MOST_PIECES 24     /* small ones, of both streams together */
#define PAUSE 5000000u     /* nanoseconds in which both streams gather */

static struct {
    uint64_t gather_until; /* the stream that wrote last is not looked at before */
    uint64_t pause_until;  /* nothing is taken before, of neither stream */
    uint64_t window_end;   /* when small pieces are counted anew */
    unsigned pieces;       /* small ones in this window */
    int last;              /* the stream that wrote last: 0 or 1 */
    int first;             /* the stream that wrote first in this pause; -1 if neither has yet */
} output;

void forget_output(void)
{
    memset(&output, 0, sizeof output);
    output.first = -1;
}

/* Sets which streams are to be looked at. Returns when that changes without their doing. */
uint64_t await_output(struct pollfd p[2], int out, int err, uint64_t now)
{
    p[0].fd = out, p[1].fd = err;
    if (now < output.pause_until) {
        if (output.first >= 0)
            p[0].fd = p[1].fd = -1;
        return output.pause_until;
    }
    if (now < output.gather_until) {
        p[output.last].fd = -1;
        return output.gather_until;
    }
    return UINT64_MAX;
}

/* Takes what the program wrote. Returns how many bytes; 0 where there is nothing. */
static size_t pump(int fd, char type)
{
    unsigned char data[CHUNK];
    ssize_t n;
    while ((n = read(fd, data, sizeof data)) < 0 && errno == EINTR)
        ;
    if (n > 0)
        queue(type, data, n);
    return n > 0 ? n : 0;
}

/* Notes that a stream gave so many bytes. Each piece costs the host the same, however small. */
static void count(int stream, size_t n, uint64_t now)
{
    output.last = stream;
    output.gather_until = n < CHUNK ? now + GATHERING : 0;
    if (now >= output.window_end)
        output.pieces = 0, output.window_end = now + WINDOW;
    if (n < CHUNK / 2 && ++output.pieces > MOST_PIECES)
        output.pause_until = now + PAUSE, output.first = -1;
}

/* A program that prints line by line would wake this process, and it the host, for each of
 * them. What comes after a quiet time is told at once, what follows it on the same stream
 * together; once the other stream has something, what was written before goes first. Where
 * the two take turns all the time, both wait: the pipes hold what is written meanwhile. */
void gather(const struct pollfd p[2], int out, int err, uint64_t now)
{
    const int fds[] = {out, err};
    if (now < output.pause_until) {
        if (output.first < 0 && (p[0].revents || p[1].revents))
            output.first = p[output.last].revents ? output.last : !output.last;
        return;
    }
    int late = output.first >= 0; /* a pause is over, in which something came */
    if (!late && !p[0].revents && !p[1].revents)
        return;
    int stream = late ? output.first : now < output.gather_until && output.last;
    output.first = -1;
    for (int round = 0; round < 2; round++, stream = !stream) {
        int waits = late || p[stream].revents || (p[stream].fd < 0 && fds[stream] >= 0);
        size_t n = waits && fds[stream] >= 0 ? pump(fds[stream], "12"[stream]) : 0;
        if (n)
            count(stream, n, now);
    }
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

void drain_both(int *out, int *err)
{
    if (output.first == 1)
        drain(err, '2');
    drain(out, '1');
    drain(err, '2');
}
