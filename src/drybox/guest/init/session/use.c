#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../die.h"
#include "../frames.h"
#include "../numbers.h"
#include "../usage.h"
#include "use.h"

static size_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0 ? n : 0;
}

/* CPU time of the sandbox's own cgroup, in microseconds; 0 where it cannot be seen from inside. */
static uint64_t cpu_of_cgroup(void)
{
    char text[2048], *at;
    if (read_text("/sys/fs/cgroup/cpu.stat", text, sizeof text) &&
        (at = strstr(text, "usage_usec ")))
        return strtoull(at + 11, NULL, 10);
    if (read_text("/sys/fs/cgroup/cpuacct/cpuacct.usage", text, sizeof text))
        return strtoull(text, NULL, 10) / 1000;
    return 0;
}

/* CPU time of one process and of the children that it has waited for, in clock ticks. Its name may
 * hold anything, so what follows is looked for behind its end. */
static uint64_t ticks_of(int pid)
{
    char path[32], text[1024], *end;
    unsigned long long own, system, children, system_children;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    read_text(path, text, sizeof text);
    end = strrchr(text, ')');
    if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
                       &own, &system, &children, &system_children) != 4)
        return 0;
    return own + system + children + system_children;
}

/* The same of all processes, for kernels that show no cgroup: this one's children are all that were
 * left by their own parents. */
static uint64_t cpu_of_processes(void)
{
    uint64_t ticks = 0;
    struct dirent *entry;
    DIR *all = opendir("/proc");
    while (all && (entry = readdir(all)))
        ticks += atoi(entry->d_name) > 0 ? ticks_of(atoi(entry->d_name)) : 0;
    if (all)
        closedir(all);
    return ticks * (1000000u / sysconf(_SC_CLK_TCK));
}

/* Payload: the question's number. The answer: that, then microseconds of CPU time, the most bytes of
 * memory, 0 where nobody tells, and how many processes were ended for want of memory. */
void tell_use(const unsigned char *p, size_t n)
{
    unsigned char frame[28];
    if (n != 4)
        die("a malformed question for what is used");
    uint64_t cpu = cpu_of_cgroup();
    put32(frame, get32(p));
    put64(frame + 4, cpu ? cpu : cpu_of_processes());
    put64(frame + 12, memory_peak());
    put64(frame + 20, oom_kills());
    answer('U', frame, sizeof frame);
}
