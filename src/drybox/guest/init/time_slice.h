/* How long a thread may run before others run. For init and for whoever on the host
 * takes short time slices. */
#pragma once
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SHORT_SLICE_NS 100000u /* nanoseconds; the least that the kernel takes */

/* Returns whether the kernel took it; a scheduling policy of a thread's own is kept. */
static inline int set_time_slice(pid_t thread, uint64_t length)
{
    struct { /* as in linux/sched/types.h */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } time_slices = {.size = sizeof time_slices, .policy = syscall(SYS_sched_getscheduler, thread),
               .nice = getpriority(PRIO_PROCESS, thread), .runtime = length};
    return time_slices.policy == SCHED_OTHER && !syscall(SYS_sched_setattr, thread, &time_slices, 0);
}

/* For init alone: see time_slice.c. */
void request_short_time_slice(void);
void lengthen_time_slices(void);
