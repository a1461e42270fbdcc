#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "frames.h"
#include "init.h"
#include "lease.h"
#include "numbers.h"

static unsigned char out_buf[2 * (CHUNK + 5 + TOKEN) + 512];
static size_t out_len, out_off;
static unsigned char token[TOKEN];
static size_t token_len; /* 0 until there is one */

/* From here on every answer carries these bytes, which drybox alone knows beside this process.
 * Under Linux nobody else can open its stream; gVisor's kernel lets the program do so through
 * /proc/1/fd, and what it writes there is then known not to be an answer. */
void keep_token(const unsigned char *p)
{
    memcpy(token, p, TOKEN);
    token_len = TOKEN;
}

/* Queues a frame; the callers see to it that there is room. */
void queue(char type, const void *data, size_t n)
{
    if (out_len + 5 + token_len + n > sizeof out_buf)
        die("an answer does not fit");
    out_buf[out_len] = type;
    put32(out_buf + out_len + 1, n);
    memcpy(out_buf + out_len + 5, token, token_len);
    memcpy(out_buf + out_len + 5 + token_len, data, n);
    out_len += 5 + token_len + n;
}

/* Writes what it can of the queue. The host being gone is the end of the sandbox. */
void flush_some(void)
{
    while (out_off < out_len) {
        ssize_t n = write(1, out_buf + out_off, out_len - out_off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            _exit(0);
        out_off += n;
    }
    out_off = out_len = 0;
}

void flush_all(void)
{
    flush_some();
    while (out_len) {
        struct pollfd p[2] = {{1, POLLOUT, 0}, lease_part()};
        poll(p, 2, -1);
        if (p[1].revents && lease_over())
            _exit(0);
        flush_some();
    }
}

void answer(char type, const void *data, size_t n)
{
    queue(type, data, n);
    flush_all();
}

/* Whether there is room for a piece of output, and for the end after it. */
int takes_chunk(void)
{
    return out_len + 2 * (5 + TOKEN) + CHUNK + END <= sizeof out_buf;
}

/* Whether answers are still queued. */
int answers_wait(void)
{
    return out_len > 0;
}
