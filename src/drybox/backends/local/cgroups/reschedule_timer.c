/* Wakes on every CPU once in a while, and sleeps again.
 *
 * The kernel looks which thread runs next when its own tick comes, which is 4 ms apart on many
 * hosts, and whenever somebody wakes. While programs wait for their first time slices, this process
 * wakes.
 *
 * Each byte on standard input has it go on for the next BOOST_NS nanoseconds. It ends with its
 * input, and with the process whose id is its argument: another one may hold the input open.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../../guest/init/time_slice.h"

#define PERIOD 1000000  /* nanoseconds between two ticks */
#define BOOST_NS 20000000u /* as in guest/init/run.c */
#define MOST_CPUS 8192  /* as the kernel's NR_CPUS */

static _Atomic uint64_t until; /* when the ticks are to end */
static _Atomic uint32_t told;  /* how often that has been put off */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *tick(void *unused)
{
    struct timespec pause = {0, PERIOD};
    for (;;) {
        uint32_t seen = told;
        while (now_ns() < until)
            nanosleep(&pause, NULL);
        syscall(SYS_futex, &told, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
    return unused;
}

/* A thread runs where the one that makes it may. */
static int start(size_t cpu, size_t size, cpu_set_t *only)
{
    pthread_t thread;
    CPU_ZERO_S(size, only);
    CPU_SET_S(cpu, size, only);
    return sched_setaffinity(0, size, only) || pthread_create(&thread, NULL, tick, NULL);
}

int main(int argc, char **argv)
{
    size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
    cpu_set_t *ours = CPU_ALLOC(MOST_CPUS), *only = CPU_ALLOC(MOST_CPUS);
    char news[256];
    struct pollfd watched[2] = {{0, POLLIN, 0}, {-1, POLLIN, 0}};
    if (argc != 2 || !ours || !only || sched_getaffinity(0, size, ours))
        return 1;
    watched[1].fd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
    if (watched[1].fd < 0)
        return 1;
    /* Only who has short ones cuts those of others short. Its threads have them as well. */
    set_time_slice(0, SHORT_SLICE_NS);
    for (size_t cpu = 0; cpu < MOST_CPUS; cpu++)
        if (CPU_ISSET_S(cpu, size, ours) && start(cpu, size, only))
            return 1;
    sched_setaffinity(0, size, ours);
    while (poll(watched, 2, -1) > 0 && !watched[1].revents && read(0, news, sizeof news) > 0) {
        until = now_ns() + BOOST_NS;
        told++;
        syscall(SYS_futex, &told, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
    return 0;
}
