/* Answers to the host. */
#ifndef DRYBOX_FRAMES_H
#define DRYBOX_FRAMES_H

#include <stddef.h>

void keep_token(const unsigned char *p);
void queue(char type, const void *data, size_t n);
void answer(char type, const void *data, size_t n);
void flush_some(void);
void flush_all(void);
int answers_wait(void);
int takes_chunk(void);

#endif
