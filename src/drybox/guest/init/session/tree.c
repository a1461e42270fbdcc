#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../prestart.h"
#include "tree.h"

#define MOST 4096  /* processes of one tree */
#define SWEEPS 50  /* looks at what there is */

static pid_t found[MOST];
static int count;

static int is_found(pid_t pid)
{
    for (int i = 0; i < count; i++)
        if (found[i] == pid)
            return 1;
    return 0;
}

/* Reads who started a process and which session it is in; 0 if it is gone. Its name may hold
 * anything, so what follows is looked for behind its end. */
static int read_stat(pid_t pid, pid_t *parent, pid_t *session)
{
    char path[32], text[512], *end;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    char state;
    int group;
    end = strrchr(text, ')');
    return end && sscanf(end + 1, " %c %d %d %d", &state, parent, &group, session) == 4 &&
           state != 'Z';
}

/* Stops what belongs to the tree and is not known yet; returns how many these are. */
static int sweep(pid_t root)
{
    int new = 0;
    pid_t pid, parent, session;
    struct dirent *entry;
    DIR *all = opendir("/proc");
    while (all && (entry = readdir(all))) {
        if ((pid = atoi(entry->d_name)) <= 1 || is_found(pid) ||
            !read_stat(pid, &parent, &session))
            continue;
        if (pid != root && session != root && !is_found(parent))
            continue;
        if (count < MOST)
            found[count++] = pid;
        kill(pid, SIGSTOP); /* what is stopped starts nothing more */
        new++;
    }
    if (all)
        closedir(all);
    return new;
}

/* Ends a process and its descendants. Those that cannot be told from others, for they multiply
 * faster than one can look, take everything along. */
void kill_tree(pid_t pid)
{
    count = 0;
    int sweeps = 0;
    while (sweep(pid) && count < MOST && ++sweeps < SWEEPS)
        ;
    if (sweeps == SWEEPS || count == MOST) {
        kill_all();
        return;
    }
    for (int i = 0; i < count; i++)
        kill(found[i], SIGKILL);
}
