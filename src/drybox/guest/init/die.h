/* The end of init, and with it of the sandbox, where something is wrong. */
#ifndef DRYBOX_DIE_H
#define DRYBOX_DIE_H

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
