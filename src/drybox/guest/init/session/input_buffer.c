#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../die.h"
#include "input_buffer.h"

#define WINDOW (64 << 10) /* bytes that the host may have under way; stdin_credit.py keeps to it */

void input_buffer_open(struct input_buffer *in, int fd)
{
    *in = (struct input_buffer){.fd = fd};
}

/* Takes bytes from the host. The room for them is there while there are any. */
void input_buffer_add(struct input_buffer *in, const unsigned char *p, size_t n)
{
    if (in->length + n > WINDOW)
        die("more input than there is room for");
    if (!in->pending && !(in->pending = malloc(WINDOW)))
        die("no memory for input");
    memcpy(in->pending + in->length, p, n);
    in->length += n;
    input_buffer_feed(in);
}

static void let_go_of_input(struct input_buffer *in)
{
    free(in->pending);
    in->pending = NULL;
    in->length = 0;
}

void input_buffer_close(struct input_buffer *in)
{
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    in->taken += in->length; /* what it will never take is let go */
    let_go_of_input(in);
}

/* Gives the program what it takes. */
void input_buffer_feed(struct input_buffer *in)
{
    size_t done = 0;
    while (in->fd >= 0 && done < in->length) {
        ssize_t n = write(in->fd, in->pending + done, in->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            input_buffer_close(in);
            return;
        }
        done += n;
    }
    if (in->fd < 0)
        done = in->length;
    in->taken += done;
    in->length -= done;
    if (in->length)
        memmove(in->pending, in->pending + done, in->length);
    else
        let_go_of_input(in);
    if (in->ends && !in->length)
        input_buffer_close(in);
}
