#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define NEW_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
#define MAX_DEPTH 64      /* folders below each other that a listing enters */
#define MAX_LISTED 100000 /* files that a listing names */

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

/* Makes the folders on the way to a path; -1 leaves the one that failed in its place. */
int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return 0;
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
    if (put_fd < 0 && errno == EEXIST && free_doors()) /* it may be what a runner waits for */
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

/* Names every regular file below `fd`; links and everything else that is no folder are
 * passed over, so nothing outside can be named. */
static void list_folder(int fd, char *path, size_t used, int depth)
{
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) && listed < MAX_LISTED) {
        size_t n = strlen(entry->d_name);
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || used + n + 2 > 4096)
            continue;
        struct stat st;
        if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        memcpy(path + used, entry->d_name, n + 1);
        if (S_ISREG(st.st_mode)) {
            unsigned char frame[8 + 4096];
            put64(frame, st.st_size);
            memcpy(frame + 8, path, used + n);
            listed++;
            answer('F', frame, 8 + used + n);
        } else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
            int below = openat(dirfd(folder), entry->d_name,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            path[used + n] = '/';
            if (below >= 0)
                list_folder(below, path, used + n + 1, depth + 1);
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
    answer('f', "", 0);
}

/* Opens a path below a folder, one name at a time, never through a link. */
static int open_beneath(const char *folder, char *path)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (char *name = path; fd >= 0 && name;) {
        char *slash = strchr(name, '/');
        if (slash)
            *slash = 0;
        int kind = slash ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;
        int next = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
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

