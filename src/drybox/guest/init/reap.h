/* Waiting for processes that have ended. */
#ifndef DRYBOX_REAP_H
#define DRYBOX_REAP_H

#include <stdint.h>
#include <sys/types.h>

pid_t wait_for_any(int *status, int options);
uint64_t largest_process(void); /* bytes; since forget_largest() */
void forget_largest(void);

#endif
