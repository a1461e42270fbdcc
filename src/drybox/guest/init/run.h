/* The program. */
#ifndef DRYBOX_RUN_H
#define DRYBOX_RUN_H

#include <poll.h>
#include <stddef.h>
#include <time.h>

int running(void);
void start(unsigned char *p, size_t n);
void prestart(unsigned char *p, size_t n);
void await_joined(const unsigned char *p, size_t n);
void hand_over(const unsigned char *p, size_t n);
void handle_running(char type, const unsigned char *p, size_t n);
struct timespec *prepare_run(struct pollfd p[3], struct timespec *left);
void advance_run(const struct pollfd p[3]);
struct pollfd await_sockets(void);
void attend_sockets(void);

#endif
