/* What is done before any user data comes in. */
#ifndef DRYBOX_SEAL_H
#define DRYBOX_SEAL_H

#include <stddef.h>

void settle(const unsigned char *p, size_t n);
void seal(const unsigned char *p, size_t n);

/* What a sandbox is for, as drybox says while it is settled: the usual, to be a template that others
 * are forked from, or to be joined by a child of one. */
enum purpose { USUAL_SANDBOX, TEMPLATE, JOINED };
enum purpose purpose(void);
void recall_purpose(const char *word);

#endif
