/* Wakes on every CPU once in a while, and sleeps again.
 *
 * The kernel looks whose turn it is when its own tick comes, which is 4 ms apart on many hosts, and
 * whenever somebody wakes. While programs wait for their first turns, this process wakes.
 *
 * Each byte on standard input has it go on for the next YOUTH nanoseconds; it ends with its input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PERIOD 1000000  /* nanoseconds between two ticks */
#define YOUTH 20000000u /* as in guest/init/run.c */
#define MOST_CPUS 8192  /* as the kernel's NR_CPUS */
#define STACK (64 << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_begun = PTHREAD_COND_INITIALIZER;
static uint64_t until; /* when the ticks are to end */

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
        pthread_mutex_lock(&lock);
        while (now_ns() >= until)
            pthread_cond_wait(&has_begun, &lock);
        pthread_mutex_unlock(&lock);
        nanosleep(&pause, NULL);
    }
    return unused;
}

/* A thread runs where the one that makes it may. */
static int start(size_t cpu, size_t size, cpu_set_t *only)
{
    pthread_t thread;
    pthread_attr_t attributes;
    CPU_ZERO_S(size, only);
    CPU_SET_S(cpu, size, only);
    return sched_setaffinity(0, size, only) || pthread_attr_init(&attributes) ||
           pthread_attr_setstacksize(&attributes, STACK) ||
           pthread_create(&thread, &attributes, tick, NULL);
}

int main(void)
{
    size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
    cpu_set_t *ours = CPU_ALLOC(MOST_CPUS), *only = CPU_ALLOC(MOST_CPUS);
    char news[256];
    if (!ours || !only || sched_getaffinity(0, size, ours))
        return 1;
    for (size_t cpu = 0; cpu < MOST_CPUS; cpu++)
        if (CPU_ISSET_S(cpu, size, ours) && start(cpu, size, only))
            return 1;
    sched_setaffinity(0, size, ours);
    while (read(0, news, sizeof news) > 0) {
        pthread_mutex_lock(&lock);
        until = now_ns() + YOUTH;
        pthread_cond_broadcast(&has_begun);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
