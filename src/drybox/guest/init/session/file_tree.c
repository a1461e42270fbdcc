#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../frames.h"
#include "../numbers.h"
#include "../paths.h"
#include "file_tree.h"

#define MAX_DEPTH 200     /* folders below each other that are entered */
#define MAX_LISTED 100000 /* names of one listing */

static uint32_t listed;

/* Writes what is known of a file: mode, size, nanoseconds since 1970, and where a link leads. */
size_t describe(unsigned char *record, int folder, const char *name, const struct stat *st)
{
    put32(record, st->st_mode);
    put64(record + 4, st->st_size);
    put64(record + 12, st->st_mtim.tv_sec * 1000000000ll + st->st_mtim.tv_nsec);
    ssize_t n = 0;
    if (S_ISLNK(st->st_mode))
        n = readlinkat(folder, name, (char *)record + 22, 4095);
    n = n < 0 ? 0 : n;
    record[20] = n, record[21] = n >> 8;
    return 22 + n;
}

static int list_folder(uint32_t request, int fd, char *path, size_t used, int depth)
{
    unsigned char frame[4 + 22 + 4096 + 4200];
    struct dirent *entry;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return errno;
    }
    while ((entry = readdir(folder)) && listed < MAX_LISTED) {
        struct stat st;
        size_t n = strlen(entry->d_name);
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || used + n + 2 > 4096 ||
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        memcpy(path + used, entry->d_name, n + 1);
        put32(frame, request);
        size_t size = 4 + describe(frame + 4, dirfd(folder), entry->d_name, &st);
        memcpy(frame + size, path, used + n);
        answer('l', frame, size + used + n);
        listed++;
        int below = -1;
        if (S_ISDIR(st.st_mode) && depth > 1)
            below = open_folder(dirfd(folder), entry->d_name);
        path[used + n] = '/';
        if (below >= 0)
            list_folder(request, below, path, used + n + 1, depth - 1);
    }
    closedir(folder);
    return listed < MAX_LISTED ? 0 : E2BIG;
}

/* Names what is in a folder, and so many levels below. Returns 0 or what is wrong. */
int list_below(uint32_t request, const char *path, int depth)
{
    char names[4200];
    listed = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    return list_folder(request, fd, names, 0, depth > MAX_DEPTH ? MAX_DEPTH : depth);
}

static int remove_folder(int parent, const char *name, int depth)
{
    int problem = 0, fd = open_folder(parent, name);
    if (fd < 0)
        return errno;
    struct dirent *entry;
    DIR *folder = fdopendir(fd);
    while (folder && !problem && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (!unlinkat(dirfd(folder), entry->d_name, 0))
            continue;
        if (errno != EISDIR && errno != EPERM)
            problem = errno;
        else
            problem = depth ? remove_folder(dirfd(folder), entry->d_name, depth - 1) : ELOOP;
    }
    if (folder)
        closedir(folder);
    else
        close(fd);
    if (!problem && unlinkat(parent, name, AT_REMOVEDIR))
        problem = errno;
    return problem;
}

/* Removes a file, or a folder with all that is in it; no link is followed. */
int remove_all(const char *path)
{
    if (!unlink(path))
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    return remove_folder(AT_FDCWD, path, MAX_DEPTH);
}
