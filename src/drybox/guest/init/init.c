/* PID 1 of a sandbox: seals it, then runs commands for drybox over one byte stream.
 *
 * Being PID 1 of the sandbox's own PID namespace it is out of reach of the program's
 * signals, adopts every orphan, and its end is the end of all. Frames in and out are
 * one type byte, a little-endian 32-bit length and that many bytes; between the two, answers
 * of a sealed sandbox have the token. connection.py beside this file is the other end. Requests
 * come on fd 0, answers go out on fd 1, words for people on fd 2. Whatever cannot be done while
 * sealing ends the process: a sandbox is sealed as asked or it does not exist.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "die.h"
#include "files.h"
#include "frames.h"
#include "init.h"
#include "lease.h"
#include "numbers.h"
#include "run.h"
#include "seal.h"
#include "session/session.h"
#include "time_slice.h"

static unsigned char in_buf[MAX_FRAME + 5];
static size_t in_len;
static int may_settle = 1; /* a request to settle may still come */

static void handle(char type, unsigned char *p, size_t n)
{
    if (type == 'H') {
        lease(p, n);
        return;
    }
    if (in_session()) {
        handle_session(type, p, n);
        return;
    }
    if (running()) {
        handle_running(type, p, n);
        return;
    }
    switch (type) {
    case 'M': settle(p, n); break;
    case 'S': may_settle = 0, seal(p, n); break;
    case 'P': put_open(p, n); break;
    case 'D': put_data(p, n); break;
    case 'Y': put_end(); break;
    case 'X': may_settle = 0, start(p, n); break;
    case 'V': prestart(p, n); break;
    case 'J': hand_over(p, n); break;
    case 'T': await_joined(p, n); break;
    case 'L': list_files(WORK); break;
    case 'G': send_file(WORK, p, n); break;
    case 'l': list_files(BUILD); break;
    case 'g': send_file(BUILD, p, n); break;
    case 'O': may_settle = 0, begin_session(p, n); break;
    case 'I': case 'E': case 'K': break; /* sent before the host saw the program end */
    default: die("unknown request %d", type);
    }
}

/* Handles every whole frame that has arrived. */
static void take_requests(void)
{
    size_t at = 0;
    while (in_len - at >= 5) {
        uint32_t n = get32(in_buf + at + 1);
        if (n > MAX_FRAME)
            die("a request of %u bytes", n);
        if (in_len - at < 5 + (size_t)n)
            break;
        handle(in_buf[at], in_buf + at + 5, n);
        at += 5 + n;
    }
    memmove(in_buf, in_buf + at, in_len - at);
    in_len -= at;
}

/* How much to read. What comes after a request to settle is for the new image of this
 * program: until then this takes one frame at a time and no byte more. */
static size_t room(void)
{
    if (!may_settle)
        return sizeof in_buf - in_len;
    return (in_len < 5 ? 5 : 5 + (size_t)get32(in_buf + 1)) - in_len;
}

static void receive(void)
{
    renew_lease();
    ssize_t n = read(0, in_buf + in_len, room());
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        _exit(0); /* drybox is gone; with PID 1 everything here goes */
    if (n > 0) {
        in_len += n;
        take_requests();
    }
}

static void step(const sigset_t *unblocked)
{
    flush_some();
    struct pollfd host = {0, POLLIN, 0}, answers = {-1, POLLOUT, 0};
    struct pollfd program[3];
    struct timespec left, *timeout = prepare_run(program, &left);
    answers.fd = answers_wait() ? 1 : -1;
    struct pollfd all[7] = {host,       answers,       program[0],        program[1],
                            program[2], lease_part(), await_sockets()};
    ppoll(all, 7, timeout, unblocked);
    if (all[5].revents && lease_over())
        _exit(0);
    if (all[6].revents)
        attend_sockets();
    if (all[1].revents)
        flush_some();
    advance_run(all + 2);
    if (all[0].revents)
        receive();
}

static void on_child(int signal) { (void)signal; }

/* What this was started with is an image's environment, which may hold its owner's secrets, and
 * gVisor's kernel shows /proc/1/environ to everybody. A copy of PATH stays, to find programs. */
static void hide_environment(void)
{
    static char path[8192], *kept[2];
    const char *found = getenv("PATH");
    if (found) {
        if ((size_t)snprintf(path, sizeof path, "PATH=%s", found) >= sizeof path)
            die("PATH is longer than %zu bytes", sizeof path - 6);
        kept[0] = path;
    }
    for (char **word = environ; *word; word++)
        memset(*word, 0, strlen(*word));
    environ = kept;
}

int main(int argc, char **argv)
{
    sigset_t child, unblocked;
    struct sigaction wake = {.sa_handler = on_child};
    hide_environment();
    request_short_time_slice();
    sigaction(SIGCHLD, &wake, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &unblocked);
    sigdelset(&unblocked, SIGCHLD);
    umask(0);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
    if (argc == 2) {
        recall_purpose(argv[1]);
        may_settle = 0;
    }
    for (;;)
        if (!in_session())
            step(&unblocked);
        else if (session_step(&unblocked))
            receive();
}
