/* What all programs of a session may have of the kernel's that no cgroup counts. */
#ifndef DRYBOX_BOUNDS_H
#define DRYBOX_BOUNDS_H

#include <poll.h>
#include <stdint.h>

void bounds_begin(uint32_t most_sockets);
int bounds_broken(uint64_t now);
uint64_t bounds_next(void);
struct pollfd bounds_asked(void);
int bounds_attend(void);

#endif
