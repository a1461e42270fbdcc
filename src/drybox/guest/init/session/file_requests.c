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

/* How: 0 to read, 1 to write, and: */
#define READS_NO_LINK 2    /* from the root on */
#define WRITES_WITH_MODE 3 /* whatever it was before */

/* Returns what is wrong, or 0 and an open file. */
static int open_plain(char *path, int how, uint32_t mode, struct stat *st, int *fd)
{
    int writes = how & 1, flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (writes && make_folders(path))
        return errno;
    *fd = how == READS_NO_LINK
              ? open_beneath("/", path + (*path == '/'))
              : open(path, flags | (writes ? O_WRONLY | O_CREAT : O_RDONLY), mode & 07777);
    if (*fd < 0)
        return errno;
    int problem = is_plain(*fd, st);
    if (!problem && ((writes && ftruncate(*fd, 0)) ||
                     (how == WRITES_WITH_MODE && fchmod(*fd, mode & 07777))))
        problem = errno;
    if (problem)
        close(*fd);
    return problem;
}

static int write_all(int fd, const unsigned char *p, size_t n)
{
    ssize_t r;
    for (size_t done = 0; done < n; done += r)
        if ((r = write(fd, p + done, n - done)) <= 0)
            return r < 0 ? errno : ENOSPC;
    return 0;
}

/* Arguments: how, mode, path. */
static void open_one(uint32_t request, unsigned char *p, size_t n)
{
    struct stat st;
    unsigned char found[24];
    int at = 0, fd;
    if (n < 6)
        die("a malformed file request");
    while (at < MOST_OPEN && in_use & 1u << at)
        at++;
    int problem = at == MOST_OPEN ? EMFILE : open_plain((char *)p + 5, p[0], get32(p + 1), &st, &fd);
    if (problem) {
        reply(request, problem, "", 0);
        return;
    }
    open_files[at] = fd;
    in_use |= 1u << at;
    put32(found, at), put64(found + 4, st.st_size), put32(found + 12, st.st_mode);
    reply(request, 0, found, 16);
}

/* The same arguments, and all that is to be in the file. Of one that cannot be nothing stays. */
static int write_whole(unsigned char *p, size_t n)
{
    struct stat st;
    int fd;
    unsigned char *end = n < 6 ? NULL : memchr(p + 5, 0, n - 5);
    if (!end)
        die("a malformed file request");
    char *path = (char *)p + 5;
    int problem = open_plain(path, p[0], get32(p + 1), &st, &fd);
    if (problem)
        return problem;
    problem = write_all(fd, end + 1, p + n - end - 1);
    if (close(fd) && !problem)
        problem = errno;
    if (problem)
        unlink(path);
    return problem;
}

/* Answers with all of a file that is small, else with EFBIG. */
static void read_whole(uint32_t request, char *path)
{
    char data[PIECE];
    struct stat st;
    size_t n = 0;
    ssize_t r = 1;
    int fd, problem = open_plain(path, READS_NO_LINK, 0, &st, &fd);
    if (!problem) {
        while (n < sizeof data && (r = read(fd, data + n, sizeof data - n)) > 0)
            n += r;
        problem = r < 0 ? errno : r ? EFBIG : 0;
        close(fd);
    }
    reply(request, problem, data, problem ? 0 : n);
}

/* Arguments: absolute paths; the requests for them have the numbers from this one on. */
static void read_small(uint32_t request, char *p, size_t n)
{
    for (char *end = p + n; p < end; request++) {
        char *path = p;
        p += strlen(p) + 1;
        read_whole(request, path);
    }
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
    reply(request, write_all(fd, p + 4, n - 4), "", 0);
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
    if (!strchr("rwcW", what) && p[n - 1])
        die("a malformed file request");
    switch (what) {
    case 'o': open_one(request, p, n); break;
    case 'b': read_small(request, path, n); break;
    case 'W': reply(request, write_whole(p, n), "", 0); break;
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
