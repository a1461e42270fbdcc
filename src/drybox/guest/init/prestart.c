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

#include "die.h"
#include "frames.h"
#include "init.h"
#include "paths.h"
#include "prestart.h"
#include "reap.h"
#include "seal.h"
#include "spawn.h"
#include "usage.h"

#define MAX_PRESTARTED 4
#define SWEEPS 100 /* times to look for processes that still are there, a millisecond apart */

/* Processes started before their programs are known, from the last phase's to the first's. One
 * asks for its job over a socket; or it has a FIFO, a named pipe in the place of its
 * program. It is not let through before its program is there, for it may look at the program's
 * size as soon as it is through. */
static struct prestarted {
    struct process it; /* pid 0 when it is gone */
    enum handoff handoff;
    char fifo[256];
    int pipe; /* a FIFO that has not been opened, whatever its name is now; else -1 */
} prestarted[MAX_PRESTARTED];
static uint32_t count;
static int coming;      /* whether the last one has not yet said that it waits */
static int fifos_stand; /* whether FIFOs are still where the programs are to be */
static int may_end;     /* whether a request has come that can do without a prestarted process */

static void lose(struct prestarted *r)
{
    let_go(&r->it);
    if (r->pipe >= 0)
        close(r->pipe);
    r->pipe = -1;
}

static struct prestarted *find(pid_t pid)
{
    for (uint32_t i = 0; i < count; i++)
        if (pid && prestarted[i].it.pid == pid)
            return prestarted + i;
    return NULL;
}

int is_prestarted(pid_t pid)
{
    return find(pid) != NULL;
}

/* What is reaped waits no more. */
void prestarted_ended(pid_t pid)
{
    struct prestarted *r = find(pid);
    if (r)
        lose(r);
}

void make_fifo(const char *fifo)
{
    char path[256];
    if (!*fifo)
        return;
    if (snprintf(path, sizeof path, "%s", fifo) >= (int)sizeof path || make_folders(path) ||
        mkfifo(path, 0600))
        die("cannot make %.200s: %s", fifo, strerror(errno));
}

void keep_prestarted(struct process *made, enum handoff handoff, const char *fifo)
{
    if (count == MAX_PRESTARTED || coming)
        die("more prestarted processes than there is room for");
    struct prestarted *r = prestarted + count++;
    r->it = *made, r->handoff = handoff, r->pipe = -1;
    snprintf(r->fifo, sizeof r->fifo, "%s", fifo);
    coming = handoff == HANDOFF_SOCKET;
    if (handoff == HANDOFF_FIFO) {
        fifos_stand = 1;
        if ((r->pipe = open(fifo, O_PATH | O_CLOEXEC)) < 0)
            die("cannot find %s: %s", fifo, strerror(errno));
    }
    if (!coming)
        answer('W', "", 0);
}

/* The socket of the prestarted process that is about to say that it waits, or -1. */
int starting_channel(void)
{
    return coming ? prestarted[count - 1].it.channel : -1;
}

/* A prestarted process says with one byte that it waits; whatever else happens to one in an idle
 * sandbox is the sandbox's end. Once a request has come it is only the prestarted process's. */
void attend_prestarted(int has_news)
{
    char word;
    pid_t pid;
    if (coming && has_news) {
        if (read(starting_channel(), &word, 1) != 1 || word != 'W')
            die("the prestarted process has ended");
        struct prestarted *last = prestarted + count - 1;
        if (last->it.pid < 0 && !(last->it.pid = joined(&last->it.listener)))
            die("nobody has come from the template");
        coming = 0;
        answer('W', "", 0);
    }
    while (count && (pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (purpose() == TEMPLATE)
            answer('Q', "", 0); /* what was forked from it goes on */
        else if (!may_end)
            die("a prestarted process has ended");
        prestarted_ended(pid);
    }
}

static int prestarted_wait(void)
{
    for (uint32_t i = 0; i < count; i++)
        if (prestarted[i].it.pid)
            return 1;
    return 0;
}

/* A request has come. Those who are at their FIFOs stay there, and whoever is not will find
 * none; the names are free for the programs. Returns whether they were not before. */
int free_fifos(void)
{
    if (!fifos_stand)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (prestarted[i].handoff == HANDOFF_FIFO)
            unlink(prestarted[i].fifo);
    fifos_stand = 0, may_end = 1;
    return 1;
}

/* Ends every process, and with them all warmth. */
void kill_all(void)
{
    for (uint32_t i = 0; i < count; i++)
        lose(prestarted + i);
    count = coming = 0;
    kill(-1, SIGKILL);
}

/* Whether there is nobody else: every process of the program's descends from this one. */
static int is_alone(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) && errno == ECHILD;
}

/* Ends every process but the prestarted processes that wait, and waits until they are gone. The
 * kernel has no one word for that: should something fork away from it, the prestarted processes go
 * as well. */
void clear_away(void)
{
    int status;
    struct timespec pause = {0, 1000000};
    if (is_alone())
        return;
    for (int i = 0; prestarted_wait() && i < SWEEPS; i++) {
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
            prestarted_ended(pid);
        if (all && !found)
            return;
        nanosleep(&pause, NULL);
    }
    kill_all();
    while (wait_for_any(&status, 0) > 0 || errno == EINTR)
        ;
}

/* Every prestarted process makes room for a command that is started without one. */
void dismiss_prestarted(void)
{
    free_fifos();
    if (!count)
        return;
    kill_all();
    clear_away();
}

/* The prestarted process that is to get the next job; 0 if it is gone. Those that came after it
 * were for phases that are past, and end before this one begins. */
pid_t choose_prestarted(uint32_t number)
{
    int dismissed = 0;
    free_fifos();
    for (uint32_t i = number + 1; i < count; i++)
        if (prestarted[i].it.pid)
            lose(prestarted + i), dismissed = 1;
    if (dismissed)
        clear_away();
    return number < count ? prestarted[number].it.pid : 0;
}

/* Opens a FIFO at which the prestarted process must be by now: no writer is let in before it. */
static int let_in(struct prestarted *r)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", r->pipe);
    r->it.channel = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return r->it.channel >= 0 && !fcntl(r->it.channel, F_SETFL, 0);
}

/* Gives the program's file through the FIFO. A prestarted process that goes away meanwhile was
 * killed, which is told in its time. */
static int pass_program(struct prestarted *r)
{
    unsigned char data[CHUNK];
    ssize_t n, w = 0;
    struct stat st;
    int file = open(r->fifo, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int passes = file >= 0 && !fstat(file, &st) && S_ISREG(st.st_mode);
    passes = passes && let_in(r);
    while (passes && w >= 0 && (n = read(file, data, sizeof data)) > 0)
        for (ssize_t done = 0; done < n && w >= 0; done += w)
            w = write(r->it.channel, data + done, n - done);
    if (file >= 0)
        close(file);
    return passes;
}

/* Makes a prestarted process the program, if it still takes its job. */
int take_prestarted(struct process *made, uint32_t number, uint32_t output, const unsigned char *job,
                size_t n)
{
    struct prestarted *r = prestarted + number;
    if (number >= count || !r->it.pid)
        return 0;
    widen(&r->it, output);
    if (r->handoff != HANDOFF_SOCKET ? !pass_program(r)
                       : send(r->it.channel, job, n, MSG_DONTWAIT) != (ssize_t)n)
        return 0;
    close(r->it.channel);
    *made = r->it;
    made->channel = made->listener = -1;
    if (r->it.listener >= 0)
        hear_of(r->it.listener);
    r->it = (struct process)NOBODY;
    lose(r);
    may_end = 1;
    return 1;
}
