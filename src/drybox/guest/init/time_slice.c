#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "prestart.h"
#include "spawn.h"
#include "time_slice.h"
#include "time_slice.h"

#define USUAL 2800000u /* nanoseconds; the kernel's own where there are eight processors or more */

static int are_short; /* whether the kernel took it; before Linux 6.12 one does, and pays no heed */

/* Who wakes with short time slices ahead need not wait until another's long one is over. Whatever
 * this process starts has them too, from its beginning. */
void request_short_time_slice(void)
{
    are_short = set_time_slice(0, SHORT_SLICE_NS);
}

static void lengthen(pid_t thread)
{
    set_time_slice(thread, USUAL);
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
    if (is_prestarted(process))
        return; /* it waits for a later phase's program, which is to begin with short ones */
    snprintf(tasks, sizeof tasks, "/proc/%d/task", process);
    for_each_id(tasks, lengthen);
}

/* Ends the advantage that short time slices are: for programs that compute it would be none, but
 * for their neighbours. What is being started at this moment may be missed; ask again later. */
void lengthen_time_slices(void)
{
    if (are_short)
        for_each_id("/proc", lengthen_all_of);
}
