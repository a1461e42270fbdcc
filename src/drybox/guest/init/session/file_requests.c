#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../die.h"
#include "../files.h"
#include "../frames.h"
#include "../init.h"
#include "../numbers.h"
#include "../paths.h"
#include "file_requests.h"
#include "file_tree.h"

#define MOST_OPEN 16
#define PIECE (CHUNK - 64)

/* Files that the host reads or writes, by number. A path may be anybody's doing: one that leads to
 * this process's own affairs, in /proc, or to what is no file is not opened. */
static int open_files[MOST_OPEN];
static uint32_t in_use; /* one bit for each */

static void reply(uint32_t request, int problem, const void *data, size_t n)
{
    static unsigned char frame[8 + CHUNK];
    put32(frame, request), put32(frame + 4, problem);
    memcpy(frame + 8, data, n);
    answer('F', frame, 8 + n);
}

static int is_plain(int fd, struct stat *st)
{
    struct statfs place;
    if (fstat(fd, st) || fstatfs(fd, &place))
        return errno;
    if (S_ISDIR(st->st_mode))
        return EISDIR;
    if (!S_ISREG(st->st_mode))
        return ENXIO;
    return place.f_type == PROC_SUPER_MAGIC || place.f_type == SYSFS_MAGIC ? EACCES : 0;
}

/* Arguments: 1 to write, 3 to set the mode too, 2 to read through no link from the root, else 0;
 * mode, path. */
static void open_one(uint32_t request, unsigned char *p, size_t n)
{
    struct stat st;
    unsigned char found[24];
    int at = 0, writes = n > 5 && p[0] & 1, no_link = n > 5 && p[0] == 2;
    char *path = (char *)p + 5;
    if (n < 6)
        die("a malformed file request");
    while (at < MOST_OPEN && in_use & 1u << at)
        at++;
    if (at == MOST_OPEN) {
        reply(request, EMFILE, "", 0);
        return;
    }
    int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (writes && make_folders(path)) {
        reply(request, errno, "", 0);
        return;
    }
    int how = writes ? O_WRONLY | O_CREAT : O_RDONLY;
    int fd = no_link ? open_beneath("/", path + (*path == '/'))
                     : open(path, flags | how, get32(p + 1) & 07777);
    int problem = fd < 0 ? errno : is_plain(fd, &st);
    if (!problem && writes && ftruncate(fd, 0))
        problem = errno;
    if (!problem && p[0] == 3 && fchmod(fd, get32(p + 1) & 07777))
        problem = errno;
    if (problem) {
        if (fd >= 0)
            close(fd);
        reply(request, problem, "", 0);
        return;
    }
    open_files[at] = fd;
    in_use |= 1u << at;
    put32(found, at), put64(found + 4, st.st_size), put32(found + 12, st.st_mode);
    reply(request, 0, found, 16);
}

/* Arguments: which file, and for a reading how much, for a writing the data. */
static void use_one(uint32_t request, char what, const unsigned char *p, size_t n)
{
    char data[PIECE];
    uint32_t at = n < 4 ? MOST_OPEN : get32(p);
    if (at >= MOST_OPEN || !(in_use & 1u << at)) {
        reply(request, EBADF, "", 0);
        return;
    }
    int fd = open_files[at];
    ssize_t r = 0;
    if (what == 'r') {
        r = read(fd, data, sizeof data);
        reply(request, r < 0 ? errno : 0, data, r < 0 ? 0 : r);
        return;
    }
    if (what == 'c') {
        in_use &= ~(1u << at);
        reply(request, close(fd) ? errno : 0, "", 0);
        return;
    }
    for (size_t done = 4; done < n; done += r)
        if ((r = write(fd, p + done, n - done)) <= 0) {
            reply(request, r < 0 ? errno : ENOSPC, "", 0);
            return;
        }
    reply(request, 0, "", 0);
}

static void describe_one(uint32_t request, const char *path, int follow)
{
    unsigned char record[22 + 4096];
    struct stat st;
    if (follow ? stat(path, &st) : lstat(path, &st))
        reply(request, errno, "", 0);
    else
        reply(request, 0, record, describe(record, AT_FDCWD, path, &st));
}

static int make_folder(char *path)
{
    struct stat st;
    if (make_folders(path))
        return errno;
    if (!mkdir(path, 0755))
        return 0;
    int problem = errno;
    if (problem == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode))
        return 0;
    return problem;
}

/* Arguments: where a link leads and its name, or a name and the next one; each with its NUL. */
static int with_two(char what, char *p, size_t n)
{
    char *second = p + strlen(p) + 1;
    if (second >= p + n)
        die("a malformed file request");
    if (make_folders(second))
        return errno;
    if (what == 'k')
        return symlink(p, second) ? errno : 0;
    return rename(p, second) ? errno : 0;
}

/* Payload: the request's number, what is asked, arguments, of which paths have their NUL. */
void file_request(unsigned char *p, size_t n)
{
    if (n < 6)
        die("a malformed file request");
    uint32_t request = get32(p);
    char what = p[4], *path = (char *)p + 5;
    p += 5, n -= 5;
    if (!strchr("rwc", what) && p[n - 1])
        die("a malformed file request");
    switch (what) {
    case 'o': open_one(request, p, n); break;
    case 'r': case 'w': case 'c': use_one(request, what, p, n); break;
    case 's': case 'S': describe_one(request, path, what == 'S'); break;
    case 'l': reply(request, n < 3 ? EINVAL : list_below(request, path + 1, p[0]), "", 0); break;
    case 'd': reply(request, make_folder(path), "", 0); break;
    case 'u': reply(request, remove_all(path), "", 0); break;
    case 'm': case 'k': reply(request, with_two(what, path, n), "", 0); break;
    case 'p': reply(request, n < 6 ? EINVAL : chmod(path + 4, get32(p) & 07777) ? errno : 0, "", 0);
        break;
    default: die("unknown file request %d", what);
    }
}
