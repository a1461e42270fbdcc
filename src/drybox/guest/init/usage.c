#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

/* Where a container sees its own cgroup, version 2 and version 1. A sandbox without either
 * is measured by the host. */
static const char *oom_files[] = {"/sys/fs/cgroup/memory.events",
                                        "/sys/fs/cgroup/memory/memory.oom_control"};
static const char *peak_files[] = {"/sys/fs/cgroup/memory.peak",
                                         "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"};

/* What is not there the first time never is, and is not looked for while an answer is awaited. */
static int read_first(const char *paths[2], char *text, size_t size)
{
    for (int i = 0; i < 2; i++) {
        int fd = paths[i] ? open(paths[i], O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) {
            if (errno == ENOENT)
                paths[i] = NULL;
            continue;
        }
        ssize_t n = read(fd, text, size - 1);
        close(fd);
        if (n > 0) {
            text[n] = 0;
            return 1;
        }
    }
    return 0;
}

/* Processes that the kernel has ended for want of memory so far. */
uint64_t oom_kills(void)
{
    char text[1024], *at;
    if (!read_first(oom_files, text, sizeof text))
        return 0;
    for (at = strstr(text, "oom_kill "); at && at > text && at[-1] != '\n';)
        at = strstr(at + 1, "oom_kill ");
    return at ? strtoull(at + 9, NULL, 10) : 0;
}

/* Most bytes of memory in use at once so far; 0 where that is not told. */
uint64_t memory_peak(void)
{
    char text[64];
    return read_first(peak_files, text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}
