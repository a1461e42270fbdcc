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
    struct itimerspec then = {.it_value = {.tv_sec = seconds}};
    if (timer >= 0)
        timerfd_settime(timer, 0, &then, NULL);
}

/* What to wait for beside everything else. */
struct pollfd lease_ended(void)
{
    return (struct pollfd){timer, POLLIN, 0};
}
