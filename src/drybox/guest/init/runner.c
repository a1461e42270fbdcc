#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define MAX_RUNNERS 4
#define SWEEPS 100 /* times to look for processes that still are there, a millisecond apart */

/* Processes started before their programs are known, from the last phase's to the first's. One
 * asks for its job over a socket; or it has a door, a named pipe in the place of its
 * program. It is not let through before its program is there, for it may look at the program's
 * size as soon as it is through. */
static struct runner {
    struct process it; /* pid 0 when it is gone */
    enum way way;
    char door[256];
    int pipe; /* a door that has not been opened, whatever its name is now; else -1 */
} runners[MAX_RUNNERS];
static uint32_t count;
static int coming;      /* whether the last one has not yet said that it waits */
static int doors_stand; /* whether doors are still where the programs are to be */
static int may_end;     /* whether a request has come that can do without a runner */

static void lose(struct runner *r)
{
    let_go(&r->it);
    if (r->pipe >= 0)
        close(r->pipe);
    r->pipe = -1;
}

static struct runner *find(pid_t pid)
{
    for (uint32_t i = 0; i < count; i++)
        if (pid && runners[i].it.pid == pid)
            return runners + i;
    return NULL;
}

int is_runner(pid_t pid)
{
    return find(pid) != NULL;
}

/* What is reaped waits no more. */
void runner_ended(pid_t pid)
{
    struct runner *r = find(pid);
    if (r)
        lose(r);
}

void prepare_door(const char *door)
{
    char path[256];
    if (!*door)
        return;
    if (snprintf(path, sizeof path, "%s", door) >= (int)sizeof path || make_folders(path) ||
        mkfifo(path, 0600))
        die("cannot make %.200s: %s", door, strerror(errno));
}

void keep_runner(struct process *made, enum way way, const char *door)
{
    if (count == MAX_RUNNERS || coming)
        die("more runners than there is room for");
    struct runner *r = runners + count++;
    r->it = *made, r->way = way, r->pipe = -1;
    snprintf(r->door, sizeof r->door, "%s", door);
    coming = way == ASKS;
    if (way == STANDS_BEFORE_DOOR) {
        doors_stand = 1;
        if ((r->pipe = open(door, O_PATH | O_CLOEXEC)) < 0)
            die("cannot find %s: %s", door, strerror(errno));
    }
    if (!coming)
        answer('W', "", 0);
}

/* The socket of the runner that is about to say that it waits, or -1. */
int coming_runner(void)
{
    return coming ? runners[count - 1].it.channel : -1;
}

/* A runner says with one byte that it waits; whatever else happens to one in an idle sandbox
 * is the sandbox's end. Once a request has come it is only the runner's. */
void attend_runners(int has_news)
{
    char word;
    pid_t pid;
    if (coming && has_news) {
        if (read(coming_runner(), &word, 1) != 1 || word != 'W')
            die("the runner has ended");
        coming = 0;
        answer('W', "", 0);
    }
    while (count && (pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (!may_end)
            die("a runner has ended");
        runner_ended(pid);
    }
}

static int runners_wait(void)
{
    for (uint32_t i = 0; i < count; i++)
        if (runners[i].it.pid)
            return 1;
    return 0;
}

/* A request has come. Those who are at their doors stay there, and whoever is not will find
 * none; the names are free for the programs. Returns whether they were not before. */
int free_doors(void)
{
    if (!doors_stand)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (runners[i].way == STANDS_BEFORE_DOOR)
            unlink(runners[i].door);
    doors_stand = 0, may_end = 1;
    return 1;
}

/* Ends every process, and with them all warmth. */
void kill_all(void)
{
    for (uint32_t i = 0; i < count; i++)
        lose(runners + i);
    count = coming = 0;
    kill(-1, SIGKILL);
}

/* Whether there is nobody else: every process of the program's descends from this one. */
static int is_alone(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) && errno == ECHILD;
}

/* Ends every process but the runners that wait, and waits until they are gone. The kernel has
 * no one word for that: should something fork away from it, the runners go as well. */
void clear_away(void)
{
    int status;
    struct timespec pause = {0, 1000000};
    if (is_alone())
        return;
    for (int i = 0; runners_wait() && i < SWEEPS; i++) {
        int found = 0;
        pid_t pid;
        struct dirent *entry;
        DIR *all = opendir("/proc");
        while (all && (entry = readdir(all)))
            if ((pid = atoi(entry->d_name)) > 1 && !find(pid) && !kill(pid, SIGKILL))
                found = 1;
        if (all)
            closedir(all);
        while ((pid = wait_for_any(&status, WNOHANG)) > 0)
            runner_ended(pid);
        if (all && !found)
            return;
        nanosleep(&pause, NULL);
    }
    kill_all();
    while (wait_for_any(&status, 0) > 0 || errno == EINTR)
        ;
}

/* Every runner makes room for a command that is started without one. */
void dismiss_runners(void)
{
    free_doors();
    if (!count)
        return;
    kill_all();
    clear_away();
}

/* The runner that is to get the next job; 0 if it is gone. Those that came after it were for
 * phases that are past, and end before this one begins. */
pid_t choose_runner(uint32_t number)
{
    int dismissed = 0;
    free_doors();
    for (uint32_t i = number + 1; i < count; i++)
        if (runners[i].it.pid)
            lose(runners + i), dismissed = 1;
    if (dismissed)
        clear_away();
    return number < count ? runners[number].it.pid : 0;
}

/* Opens a door at which the runner must be by now: no writer is let in before it. */
static int let_in(struct runner *r)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", r->pipe);
    r->it.channel = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return r->it.channel >= 0 && !fcntl(r->it.channel, F_SETFL, 0);
}

/* Gives the program's file through the door. A runner that goes away meanwhile was killed,
 * which is told in its time. */
static int pass_program(struct runner *r)
{
    unsigned char data[CHUNK];
    ssize_t n, w = 0;
    struct stat st;
    int file = open(r->door, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int passes = file >= 0 && !fstat(file, &st) && S_ISREG(st.st_mode);
    passes = passes && let_in(r);
    while (passes && w >= 0 && (n = read(file, data, sizeof data)) > 0)
        for (ssize_t done = 0; done < n && w >= 0; done += w)
            w = write(r->it.channel, data + done, n - done);
    if (file >= 0)
        close(file);
    return passes;
}

/* Makes a runner the program, if it still takes its job. */
int take_runner(struct process *made, uint32_t number, const unsigned char *job, size_t n)
{
    struct runner *r = runners + number;
    if (number >= count || !r->it.pid)
        return 0;
    if (r->way != ASKS ? !pass_program(r)
                       : send(r->it.channel, job, n, MSG_DONTWAIT) != (ssize_t)n)
        return 0;
    close(r->it.channel);
    *made = r->it;
    made->channel = -1;
    r->it = (struct process)NOBODY;
    lose(r);
    may_end = 1;
    return 1;
}
