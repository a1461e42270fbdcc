/* An end for when nothing is heard of drybox any more. */
#ifndef DRYBOX_LEASE_H
#define DRYBOX_LEASE_H

#include <poll.h>
#include <stddef.h>

void lease(const unsigned char *p, size_t n);
void renew_lease(void);
struct pollfd lease_part(void);
int lease_over(void);

#endif
