#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"

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

/* With O_DIRECTORY, gVisor's kernel follows a link in spite of O_NOFOLLOW. */
int open_folder(int parent, const char *name)
{
    struct stat st;
    int fd = openat(parent, name, NO_LINK);
    if (fd < 0 || (!fstat(fd, &st) && S_ISDIR(st.st_mode)))
        return fd;
    close(fd);
    errno = ENOTDIR;
    return -1;
}
