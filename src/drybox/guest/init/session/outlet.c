#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../die.h"
#include "../frames.h"
#include "../init.h"
#include "../numbers.h"
#include "outlet.h"

void outlet_open(struct outlet *out, uint32_t number, int out_fd, int err_fd, int answers_fd)
{
    *out = (struct outlet){.number = number, .fds = {out_fd, err_fd, answers_fd}};
}

static void close_stream(struct outlet *out, int stream)
{
    if (out->fds[stream] >= 0)
        close(out->fds[stream]);
    out->fds[stream] = -1;
    out->owed[stream] = 0;
}

void outlet_close(struct outlet *out)
{
    for (int stream = 0; stream < STREAMS; stream++)
        close_stream(out, stream);
    free(out->held);
    out->held = NULL;
    out->held_length = 0;
}

static size_t waiting(int fd)
{
    int n = 0;
    return fd < 0 || ioctl(fd, FIONREAD, &n) || n < 0 ? 0 : n;
}

/* What is in the pipes now was written before what comes after. */
static void owe(struct outlet *out)
{
    out->owed[OUT] = waiting(out->fds[OUT]);
    out->owed[ERR] = waiting(out->fds[ERR]);
}

static void tell(struct outlet *out, int stream, const unsigned char *data, size_t n)
{
    unsigned char frame[4 + CHUNK];
    put32(frame, out->number);
    memcpy(frame + 4, data, n);
    queue("123"[stream], frame, 4 + n);
    out->credit -= n < out->credit ? n : out->credit;
}

static int owes_output(const struct outlet *out)
{
    return out->owed[OUT] || out->owed[ERR];
}

/* What somebody else has read out of a pipe will never be told. */
static void forget_taken(struct outlet *out)
{
    for (int stream = 0; stream < STREAMS; stream++)
        if (out->owed[stream] && !waiting(out->fds[stream]))
            out->owed[stream] = 0;
}

/* Answers wait until what was written before them is told, and until there is room for them. */
static void tell_held(struct outlet *out)
{
    if (out->held_length && owes_output(out))
        forget_taken(out);
    if (!out->held_length || owes_output(out) || !takes_chunk())
        return;
    tell(out, ANSWERS, out->held, out->held_length);
    free(out->held);
    out->held = NULL;
    out->held_length = 0;
}

/* Whether something of a stream may be taken now. After the end all is read, and what is not owed
 * comes from somebody whom the program has left behind: it is let go. */
int outlet_wants(const struct outlet *out, int stream)
{
    if (out->fds[stream] < 0)
        return 0;
    if (out->has_ended && !out->owed[stream] && (stream == ANSWERS || !owes_output(out)))
        return 1;
    if ((!out->credit && !out->has_ended) || !takes_chunk()) /* the rest is what a pipe holds */
        return 0;
    if (stream == ANSWERS)
        return !out->held_length;
    return !(out->held_length || out->has_ended) || out->owed[stream];
}

/* Takes a piece of a stream that has something, or has ended. */
void outlet_pump(struct outlet *out, int stream)
{
    unsigned char data[CHUNK - 64];
    size_t most = sizeof data;
    int is_held = out->has_ended || (stream != ANSWERS && out->held_length);
    if (is_held && out->owed[stream] && out->owed[stream] < most)
        most = out->owed[stream];
    /* Who has answered may wait until that is read, and then print: that is not owed before it. */
    size_t here = stream == ANSWERS && !out->has_ended ? waiting(out->fds[ANSWERS]) : 0;
    if (here) {
        owe(out);
        most = here < most ? here : most;
    }
    ssize_t n = read(out->fds[stream], data, most);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        if (errno == EAGAIN)
            out->owed[stream] = 0; /* somebody else has read it */
    } else if (n <= 0) {
        close_stream(out, stream); /* a terminal's other end is gone with EIO */
    } else if (stream != ANSWERS && is_held) {
        if (out->owed[stream]) {
            out->owed[stream] -= n;
            tell(out, stream, data, n);
        }
    } else if (stream != ANSWERS) {
        tell(out, stream, data, n);
    } else if (!out->has_ended || out->owed[ANSWERS]) {
        if (!(out->held = malloc(n)))
            die("no memory for answers");
        memcpy(out->held, data, n);
        out->held_length = n;
        if (out->has_ended)
            out->owed[ANSWERS] -= n; /* of output, what is owed since the end comes first */
        else if (!here)
            owe(out);
    }
    tell_held(out);
}

/* The program has ended: what is in its pipes is the last that is told of it. */
void outlet_end(struct outlet *out)
{
    out->has_ended = 1;
    owe(out);
    out->owed[ANSWERS] = waiting(out->fds[ANSWERS]);
}

/* Whether all that is to be told is. */
int outlet_done(struct outlet *out)
{
    tell_held(out);
    if (out->has_ended)
        forget_taken(out);
    return out->has_ended && !out->held_length && !owes_output(out) && !out->owed[ANSWERS];
}

int outlet_open_streams(const struct outlet *out)
{
    return out->fds[OUT] >= 0 || out->fds[ERR] >= 0 || out->fds[ANSWERS] >= 0;
}
