/* The programs of a session, each with a number of the host's. */
#ifndef DRYBOX_PROGRAMS_H
#define DRYBOX_PROGRAMS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_PROGRAMS 64
#define POLLS (MOST_PROGRAMS * 5)

void program_start(unsigned char *p, size_t n);
void program_input(const unsigned char *p, size_t n);
void program_input_end(const unsigned char *p, size_t n);
void program_credit(const unsigned char *p, size_t n);
void program_signal(const unsigned char *p, size_t n);
void program_resize(const unsigned char *p, size_t n);
int programs_poll(struct pollfd *polls);
uint64_t programs_next(void);
void programs_advance(const struct pollfd *polls, uint64_t now);
void programs_over(void);
int programs_run(void);

#endif
