#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "../die.h"
#include "../frames.h"
#include "../lease.h"
#include "../numbers.h"
#include "../prestart.h"
#include "../usage.h"
#include "bounds.h"
#include "file_requests.h"
#include "programs.h"
#include "session.h"
#include "use.h"

static int has_begun;

int in_session(void)
{
    return has_begun;
}

/* From here on requests are a session's. Payload: most sockets of all programs together. */
void begin_session(const unsigned char *p, size_t n)
{
    if (n != 4)
        die("a malformed session");
    dismiss_prestarted();
    bounds_begin(get32(p));
    oom_kills();
    has_begun = 1;
    answer('O', "", 0);
}

void handle_session(char type, unsigned char *p, size_t n)
{
    switch (type) {
    case 'x': program_start(p, n); break;
    case 'i': program_input(p, n); break;
    case 'e': program_input_end(p, n); break;
    case 'c': program_credit(p, n); break;
    case 's': program_signal(p, n); break;
    case 'r': program_resize(p, n); break;
    case 'f': file_request(p, n); break;
    case 'u': tell_use(p, n); break;
    case 'o': bounds_begin(n == 4 ? get32(p) : 0); break;
    default: die("unknown request %d of a session", type);
    }
}

/* Waits for something and does it. Returns whether the host has sent something. */
int session_step(const sigset_t *unblocked)
{
    static struct pollfd polls[POLLS + 4];
    struct timespec left, *timeout = NULL;
    flush_some();
    int count = programs_poll(polls);
    struct pollfd *own = polls + count;
    own[0] = (struct pollfd){0, POLLIN, 0};
    own[1] = (struct pollfd){answers_wait() ? 1 : -1, POLLOUT, 0};
    own[2] = lease_part();
    own[3] = bounds_asked();
    uint64_t now = now_ns(), next = programs_next();
    if (programs_run() && bounds_next() < next)
        next = bounds_next();
    if (next != UINT64_MAX) {
        uint64_t rest = next > now ? next - now : 0;
        left = (struct timespec){rest / 1000000000u, rest % 1000000000u};
        timeout = &left;
    }
    ppoll(polls, count + 4, timeout, unblocked);
    if (own[2].revents && lease_over())
        _exit(0);
    now = now_ns();
    if ((own[3].revents && bounds_attend()) || (programs_run() && bounds_broken(now)))
        programs_over();
    if (own[1].revents)
        flush_some();
    programs_advance(polls, now);
    return own[0].revents != 0;
}
