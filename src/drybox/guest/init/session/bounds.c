#include "../usage.h"
#include "bounds.h"

#define NETLINK_MOST (8 << 20) /* bytes that may wait in netlink sockets */
#define MOST_TERMINALS 64
#define LOOK 100000000u      /* nanoseconds between looks */
#define LOOK_FULL 4000000u   /* the same while there are too many sockets */
#define FULL_NS 500000000u   /* nanoseconds for which there may be, if none is added */

static uint32_t most;
static uint64_t look_at, full_since;

void bounds_begin(uint32_t most_sockets)
{
    most = most_sockets;
    look_at = now_ns() + LOOK;
}

/* The kernel counts some sockets for a while after they are closed: while whoever wants one more
 * waits, there is time to see whether that passes. */
static int sockets_broken(uint64_t now)
{
    uint32_t used = sockets_in_use();
    if (used + (uint32_t)awaits_socket() <= most) {
        full_since = 0;
        admit_socket();
        return 0;
    }
    if (!full_since)
        full_since = now;
    look_at = now + LOOK_FULL;
    return now - full_since >= FULL_NS || !holds_creations() || used > 2 * most;
}

/* Whether programs have more than they may, at a time when that is looked at. */
int bounds_broken(uint64_t now)
{
    if (now < look_at)
        return 0;
    look_at = now + LOOK;
    return sockets_broken(now) || netlink_memory() > NETLINK_MOST ||
           terminals_in_use() > MOST_TERMINALS;
}

uint64_t bounds_next(void)
{
    return look_at;
}

/* While there are as many sockets as there may be, the next one waits. */
struct pollfd bounds_asked(void)
{
    struct pollfd asked = socket_creations();
    if (full_since)
        asked.fd = -1;
    return asked;
}

/* A program is about to make a socket, or to lock a file. Returns whether there are too many
 * sockets. */
int bounds_attend(void)
{
    if (!is_asked_for_socket())
        return 0;
    if (sockets_in_use() >= most)
        return sockets_broken(now_ns());
    admit_socket();
    return 0;
}
