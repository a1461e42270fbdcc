#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"
#include "files.h"
#include "frames.h"
#include "init.h"
#include "numbers.h"
#include "paths.h"
#include "prestart.h"

#define NEW_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
#define MAX_DEPTH 256     /* folders below each other that a listing enters */
#define MAX_LISTED 100000 /* names that a listing has */

static int put_fd = -1, put_failed;
static int lacking; /* whether the last batch is not there as a whole */

/* Tells the first failure of a batch only: the host may be busy sending the rest. */
static void file_error(const char *path)
{
    char text[400];
    int n = snprintf(text, sizeof text, "%s: %.200s", strerror(errno), path);
    if (!put_failed)
        answer('w', text, n > (int)sizeof text - 1 ? (int)sizeof text - 1 : n);
    put_failed = 1;
}

static void close_put(void)
{
    if (put_fd >= 0)
        close(put_fd);
    put_fd = -1;
}

/* Payload: 16-bit mode, path. Folders on the way are made. */
void put_open(unsigned char *p, size_t n)
{
    char path[4096];
    close_put();
    if (n < 3 || n - 2 >= sizeof path)
        die("a malformed file request");
    memcpy(path, p + 2, n - 2);
    path[n - 2] = 0;
    if (make_folders(path)) {
        file_error(path);
        return;
    }
    put_fd = open(path, NEW_FILE, 0600);
    if (put_fd < 0 && errno == EEXIST && free_fifos()) /* it may be what a prestarted process waits for */
        put_fd = open(path, NEW_FILE, 0600);
    if (put_fd < 0 || fchmod(put_fd, p[0] | p[1] << 8))
        file_error(path);
}

void put_data(const unsigned char *p, size_t n)
{
    while (put_fd >= 0 && n) {
        ssize_t w = write(put_fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0) {
            file_error("the working directory");
            close_put();
            return;
        }
        p += w;
        n -= w;
    }
}

void put_end(void)
{
    close_put();
    lacking = put_failed;
    put_failed = 0;
    queue('y', "", 0);
}

/* A command may come right behind its files; without all of them it is not to run. */
int files_lacking(void)
{
    return lacking;
}

static int listed;

/* Names what is no file that can be fetched: one letter says what it is instead. */
static void list_other(char kind, const char *path, size_t n)
{
    unsigned char frame[1 + 4096];
    frame[0] = kind;
    memcpy(frame + 1, path, n);
    listed++;
    answer('O', frame, 1 + n);
}

/* What a folder's entry is that is neither a file nor a folder; 0 for a link of our own making,
 * which leads to what was installed. */
static char other_kind(int folder, const char *name, mode_t mode)
{
    char target[sizeof "/build/"] = "";
    if (S_ISLNK(mode)) {
        ssize_t n = readlinkat(folder, name, target, sizeof target - 1);
        return n == sizeof target - 1 && !strcmp(target, "/build/") ? 0 : 'l';
    }
    return S_ISFIFO(mode) ? 'p' : S_ISSOCK(mode) ? 's' : 'c';
}

/* Names every regular file below `fd`, and what else is no folder; no link is followed, so
 * nothing outside can be named. */
static void list_folder(int fd, char *path, size_t used, int depth)
{
    DIR *folder = fdopendir(fd);
    if (!folder) {
        list_other('u', path, used);
        close(fd);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        size_t n = strlen(entry->d_name);
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (listed >= MAX_LISTED) {
            if (listed++ == MAX_LISTED)
                answer('O', "m", 1);
            break;
        }
        if (used + n + 2 > 4096) {
            list_other('d', path, used - 1);
            break;
        }
        struct stat st;
        memcpy(path + used, entry->d_name, n + 1);
        if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
            /* Names of a folder can be read without permission to reach what they are of. */
            if (errno == EACCES)
                list_other(entry->d_type == DT_DIR ? 'u' : 'r', path, used + n);
            continue;
        }
        if (S_ISREG(st.st_mode) && !(st.st_mode & S_IRUSR)) {
            list_other('r', path, used + n);
        } else if (S_ISREG(st.st_mode)) {
            unsigned char frame[8 + 4096];
            put64(frame, st.st_size);
            memcpy(frame + 8, path, used + n);
            listed++;
            answer('F', frame, 8 + used + n);
        } else if (!S_ISDIR(st.st_mode)) {
            char kind = other_kind(dirfd(folder), entry->d_name, st.st_mode);
            if (kind)
                list_other(kind, path, used + n);
        } else {
            int below = -1;
            if (depth < MAX_DEPTH)
                below = open_folder(dirfd(folder), entry->d_name);
            path[used + n] = '/';
            if (below >= 0)
                list_folder(below, path, used + n + 1, depth + 1);
            else
                list_other(depth < MAX_DEPTH ? 'u' : 'd', path, used + n);
        }
    }
    closedir(folder);
}

/* Names the files below a folder: the working directory or where compilers write. */
void list_files(const char *folder)
{
    char path[4200];
    listed = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        list_folder(fd, path, 0, 0);
    else
        list_other('u', "", 0);
    answer('f', "", 0);
}

/* Opens a path below a folder, one name at a time, never through a link. */
int open_beneath(const char *folder, char *path)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (char *name = path; fd >= 0 && name;) {
        char *slash = strchr(name, '/');
        if (slash)
            *slash = 0;
        int next = slash ? open_folder(fd, name) : openat(fd, name, NO_LINK);
        close(fd);
        fd = next;
        name = slash ? slash + 1 : NULL;
    }
    return fd;
}

/* Payload: 64-bit most bytes, path. Answers data, then an end that says whether it is whole, and
 * its 16-bit mode. */
void send_file(const char *folder, const unsigned char *p, size_t n)
{
    char path[4096], data[CHUNK];
    unsigned char end[3] = {0};
    if (n < 9 || n - 8 >= sizeof path)
        die("a malformed fetch request");
    uint64_t left = get64(p);
    memcpy(path, p + 8, n - 8);
    path[n - 8] = 0;
    int fd = open_beneath(folder, path);
    struct stat st;
    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
        end[1] = st.st_mode, end[2] = st.st_mode >> 8 & 0xf;
        for (;;) {
            ssize_t r = read(fd, data, left < CHUNK ? left + 1 : CHUNK);
            if (r < 0 && errno == EINTR)
                continue;
            if (r == 0)
                end[0] = 1;
            if (r <= 0 || (uint64_t)r > left)
                break;
            left -= r;
            answer('d', data, r);
        }
    }
    if (fd >= 0)
        close(fd);
    answer('e', end, sizeof end);
}

