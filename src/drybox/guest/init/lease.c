#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "die.h"
#include "lease.h"
#include "numbers.h"

/* A stream that somebody in between holds open does not end when drybox does: a container's,
 * once its daemon has crashed. So drybox may ask for an end unless it is heard of again. */
static int timer = -1;
static uint32_t seconds;

/* Time is counted in parts, each of which counts once however long it took: a sandbox that is
 * paused, or whose machine is, has not been left by drybox, and hears of it once it goes on. */
#define PARTS 5
static int silent; /* parts in which nothing was heard */

/* Payload: seconds of silence after which this process ends, and with it the sandbox. */
void lease(const unsigned char *p, size_t n)
{
    if (n != 4 || !get32(p))
        die("a malformed lease");
    if (timer < 0 && (timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0)
        die("no timer: %s", strerror(errno));
    seconds = get32(p);
    renew_lease();
}

/* Something has been heard of drybox. */
void renew_lease(void)
{
    uint64_t part = seconds * (1000000000ull / PARTS);
    struct timespec length = {part / 1000000000u, part % 1000000000u};
    struct itimerspec then = {length, length};
    silent = 0;
    if (timer >= 0)
        timerfd_settime(timer, 0, &then, NULL);
}

/* What to wait for beside everything else. */
struct pollfd lease_part(void)
{
    return (struct pollfd){timer, POLLIN, 0};
}

/* A part of the lease is over. Returns whether all of it is. */
int lease_over(void)
{
    uint64_t parts;
    return read(timer, &parts, sizeof parts) == sizeof parts && ++silent >= PARTS;
}
