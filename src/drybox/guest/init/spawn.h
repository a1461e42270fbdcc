/* How a process comes to be. */
#ifndef DRYBOX_SPAWN_H
#define DRYBOX_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct order {
    uint32_t open_files;
    char **argv, **env;
    const char *cwd; /* nowhere if it is empty */
    uint32_t output; /* bytes of room for each of its outputs; 0 for what a pipe has anyway */
    int has_channel; /* gets its job later, over a socket on descriptor CHANNEL */
    int has_forks;   /* is a template, and gets its orders over OUTSIDE, as descriptor FORKS */
    int is_kernel;   /* has pipes for requests and answers on descriptors ASK and TELL */
    int rows, columns; /* of its terminal; 0 for pipes instead of one */
};
struct process {
    pid_t pid;        /* 0 when there is none */
    int in, out, err; /* our ends of its pipes; -1 when closed */
    int channel;      /* our end of a prestarted process's socket; -1 when closed */
    int listener;     /* where it is told of its sockets, if not with all others'; else -1 */
    int kept[2];      /* its ends of its output; open, so that only its death wakes init */
    int ask, tell;    /* our ends of a kernel's two pipes; -1 when closed */
};
#define NOBODY {0, -1, -1, -1, -1, -1, {-1, -1}, -1, -1}
int spawn(struct process *made, const struct order *order);
int invite(struct process *made, uint32_t output);
pid_t joined(int *listener);
void widen(const struct process *made, uint32_t bytes);
void let_go(struct process *made);
void limit(int what, unsigned long value);

int launch(struct process *made, char *p, size_t n, struct order order);

#endif
