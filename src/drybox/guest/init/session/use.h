/* What the sandbox has used so far, told where the host does not measure it. */
#ifndef DRYBOX_USE_H
#define DRYBOX_USE_H

#include <stddef.h>

void tell_use(const unsigned char *p, size_t n);

#endif
