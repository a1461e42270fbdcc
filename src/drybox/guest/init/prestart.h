/* Processes that wait for their jobs. */
#ifndef DRYBOX_PRESTART_H
#define DRYBOX_PRESTART_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "spawn.h"

enum handoff { HANDOFF_SOCKET, HANDOFF_FIFO };
void make_fifo(const char *fifo);
void keep_prestarted(struct process *made, enum handoff handoff, const char *fifo);
int starting_channel(void);
void attend_prestarted(int has_news);
int free_fifos(void);
pid_t choose_prestarted(uint32_t number);
int take_prestarted(struct process *made, uint32_t number, uint32_t output, const unsigned char *job,
                size_t n);
int is_prestarted(pid_t pid);
void prestarted_ended(pid_t pid);
void dismiss_prestarted(void);
void clear_away(void);
void kill_all(void);

#endif
