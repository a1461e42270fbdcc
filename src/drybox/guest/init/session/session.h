/* A session: several programs at once, and files in between. */
#ifndef DRYBOX_SESSION_H
#define DRYBOX_SESSION_H

#include <signal.h>
#include <stddef.h>

int in_session(void);
void begin_session(const unsigned char *p, size_t n);
void handle_session(char type, unsigned char *p, size_t n);
int session_step(const sigset_t *unblocked);

#endif
