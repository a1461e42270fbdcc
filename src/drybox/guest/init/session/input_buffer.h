/* What the host sends to a program, as far as the program has not taken it. */
#ifndef DRYBOX_INPUT_BUFFER_H
#define DRYBOX_INPUT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct input_buffer {
    int fd; /* where it goes; -1 when closed */
    unsigned char *pending;
    size_t length;
    uint32_t taken; /* bytes it has taken since the host was last told */
    int ends;       /* whether nothing comes any more */
};
void input_buffer_open(struct input_buffer *in, int fd);
void input_buffer_add(struct input_buffer *in, const unsigned char *p, size_t n);
void input_buffer_feed(struct input_buffer *in);
void input_buffer_close(struct input_buffer *in);

#endif
