/* What the sandbox uses: what its own cgroup tells, if it is to be seen from inside, and the sockets
 * that no cgroup counts. */
#ifndef DRYBOX_USAGE_H
#define DRYBOX_USAGE_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t oom_kills(void);
uint64_t memory_peak(void);
int64_t cpu_of(pid_t pid);
uint64_t now_ns(void);
uint64_t netlink_memory(void);
uint32_t terminals_in_use(void);
void open_sockets(int holds);
void hear_of(int listener);
void open_self(void);
int own_pidfd(void);
uint32_t sockets_in_use(void);
struct pollfd socket_creations(void);
int awaits_socket(void);
int is_asked_for_socket(void);
int holds_creations(void);
void admit_socket(void);

#endif
