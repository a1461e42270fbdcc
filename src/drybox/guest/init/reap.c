#define _GNU_SOURCE
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "reap.h"

static uint64_t largest; /* most bytes that a process which has ended had at once */

/* Waits for any process, and keeps how large it was. */
pid_t wait_for_any(int *status, int options)
{
    struct rusage used;
    pid_t pid = wait4(-1, status, options, &used);
    if (pid > 0 && (uint64_t)used.ru_maxrss << 10 > largest)
        largest = (uint64_t)used.ru_maxrss << 10;
    return pid;
}

uint64_t largest_process(void)
{
    return largest;
}

void forget_largest(void)
{
    largest = 0;
}
