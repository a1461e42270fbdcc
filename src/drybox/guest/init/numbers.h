/* Numbers as they travel. */
#ifndef DRYBOX_NUMBERS_H
#define DRYBOX_NUMBERS_H

#include <stdint.h>

uint32_t get32(const unsigned char *p);
uint64_t get64(const unsigned char *p);
void put32(unsigned char *p, uint32_t v);
void put64(unsigned char *p, uint64_t v);

#endif
