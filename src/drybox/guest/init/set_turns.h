/* How long a thread may run before others have their turn. For init and for whoever on the host
 * takes short turns. */
#pragma once
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SHORT 100000u /* nanoseconds; the least that the kernel takes */

/* Returns whether the kernel took it; a scheduling policy of a thread's own is kept. */
static inline int set_turns(pid_t thread, uint64_t length)
{
    struct { /* as in linux/sched/types.h */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } turns = {.size = sizeof turns, .policy = syscall(SYS_sched_getscheduler, thread),
               .nice = getpriority(PRIO_PROCESS, thread), .runtime = length};
    return turns.policy == SCHED_OTHER && !syscall(SYS_sched_setattr, thread, &turns, 0);
}
