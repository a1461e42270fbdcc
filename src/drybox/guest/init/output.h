/* What the program writes, taken in as few pieces as a reader who waits for it does not notice. */
#ifndef DRYBOX_OUTPUT_H
#define DRYBOX_OUTPUT_H

#include <poll.h>
#include <stdint.h>

void forget_output(void);
uint64_t await_output(struct pollfd p[2], int out, int err, uint64_t now);
void gather(const struct pollfd p[2], int out, int err, uint64_t now);
void drain_both(int *out, int *err);

#endif
