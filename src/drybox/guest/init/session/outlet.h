/* What a program writes, on its way to the host. */
#ifndef DRYBOX_OUTLET_H
#define DRYBOX_OUTLET_H

#include <stddef.h>
#include <stdint.h>

enum stream { OUT, ERR, ANSWERS, STREAMS };

struct outlet {
    uint32_t number;  /* the program's */
    int fds[STREAMS]; /* our ends; -1 when closed */
    uint32_t credit;  /* bytes that the host takes */
    size_t owed[STREAMS]; /* bytes of OUT and ERR that go before what is held; of all at the end */
    int has_ended;    /* whether what is owed is all that is told */
    unsigned char *held; /* answers of a kernel that were written after what is owed */
    size_t held_length;
};
void outlet_open(struct outlet *out, uint32_t number, int out_fd, int err_fd, int answers_fd);
int outlet_wants(const struct outlet *out, int stream);
void outlet_pump(struct outlet *out, int stream);
void outlet_end(struct outlet *out);
int outlet_done(struct outlet *out);
int outlet_open_streams(const struct outlet *out);
void outlet_close(struct outlet *out);

#endif
