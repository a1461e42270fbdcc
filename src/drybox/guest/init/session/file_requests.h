/* The session's files, which the host asks for. */
#ifndef DRYBOX_FILE_REQUESTS_H
#define DRYBOX_FILE_REQUESTS_H

#include <stddef.h>

void file_request(unsigned char *p, size_t n);

#endif
