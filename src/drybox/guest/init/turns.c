#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

#define SHORT 100000u  /* nanoseconds; the least that the kernel takes */
#define USUAL 2800000u /* what it gives by itself where there are eight processors or more */

static int are_short; /* whether the kernel took it; before Linux 6.12 one does, and pays no heed */

static int set_turns(pid_t thread, uint64_t length)
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

/* Who wakes with short turns ahead need not wait until another's long one is over. Whatever this
 * process starts has them too, from its beginning. */
void take_short_turns(void)
{
    are_short = set_turns(0, SHORT);
}

static void lengthen(pid_t thread)
{
    set_turns(thread, USUAL);
}

static void for_each_id(const char *folder, void (*act)(pid_t))
{
    struct dirent *entry;
    pid_t id;
    DIR *all = opendir(folder);
    while (all && (entry = readdir(all)))
        if ((id = atoi(entry->d_name)) > 1)
            act(id);
    if (all)
        closedir(all);
}

static void lengthen_all_of(pid_t process)
{
    char tasks[64];
    if (is_runner(process))
        return; /* it waits for a later phase's program, which is to begin with short ones */
    snprintf(tasks, sizeof tasks, "/proc/%d/task", process);
    for_each_id(tasks, lengthen);
}

/* Ends the advantage that short turns are: for programs that compute it would be none, but for
 * their neighbours. What is being started at this moment may be missed; ask again later. */
void lengthen_turns(void)
{
    if (are_short)
        for_each_id("/proc", lengthen_all_of);
}
