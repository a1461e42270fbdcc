/* What the host sends to a program, as far as the program has not taken it. */
#ifndef DRYBOX_INLET_H
#define DRYBOX_INLET_H

#include <stddef.h>
#include <stdint.h>

struct inlet {
    int fd; /* where it goes; -1 when closed */
    unsigned char *pending;
    size_t length;
    uint32_t taken; /* bytes it has taken since the host was last told */
    int ends;       /* whether nothing comes any more */
};
void inlet_open(struct inlet *in, int fd);
void inlet_add(struct inlet *in, const unsigned char *p, size_t n);
void inlet_feed(struct inlet *in);
void inlet_close(struct inlet *in);

#endif
