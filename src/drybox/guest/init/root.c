#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "die.h"
#include "root.h"

/* Makes the root that the program sees of what mount_namespace.py has put together:
 *
 *   /plan      "share" where files may be the host's own, then steps of three words: what to do,
 *              with what, where in the new root; each word with a NUL
 *   /tree      the new root's own folders, files and links
 *   /layers    what is mounted below it
 *   /devices   device nodes
 *   /over      where an overlay lies that single files are bound from
 *   /empty     the upper of each overlay's two layers: the kernel wants two, and tells the size and
 *              the room of the first one's file system as those of the whole
 *   /new       the new root
 *
 * Each overlay has inodes of its own. Locks, leases and watches belong to inodes: what a program
 * does with them is nothing to the host's files, nor to those of another sandbox. */

#define MOST_PLAN (64 << 10)

static char plan[MOST_PLAN + 1];

/* Whether somebody has agreed to files that are the host's own where the kernel makes no overlay:
 * one below version 5.11 lets nobody but root mount them, and an ordinary user's folder may have
 * something mounted beside files that are too large to be copied. */
static int may_share;

static void mount_layer(const char *layer, const char *where)
{
    char options[128];
    snprintf(options, sizeof options, "lowerdir=/empty:%s", layer);
    if (!mount("overlay", where, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options))
        return;
    if (!may_share)
        die("no inodes of its own at %s: %s", *where ? where : "/", strerror(errno));
    if (mount(layer, where, NULL, MS_BIND | MS_REC, NULL))
        die("cannot mount %s: %s", where, strerror(errno));
}

static void bind(const char *from, const char *to)
{
    if (mount(from, to, NULL, MS_BIND, NULL))
        die("cannot mount %s: %s", to, strerror(errno));
}

static void follow(const char *what, const char *with, const char *where)
{
    char place[4096];
    if ((size_t)snprintf(place, sizeof place, "/new%s", where) >= sizeof place)
        die("too long a path in the sandbox's plan");
    if (!strcmp(what, "folder"))
        mount_layer(with, place);
    else if (!strcmp(what, "over"))
        mount_layer(with, "/over");
    else if (!strcmp(what, "bind"))
        bind(with, place);
    else if (!strcmp(what, "mask"))
        bind("/new/run", place); /* an empty folder */
    else
        die("an unknown step in the sandbox's plan");
}

static size_t read_plan(int fd)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, plan + size, MOST_PLAN - size)) > 0)
        size += n;
    if (n < 0 || size == MOST_PLAN)
        die("cannot read the sandbox's plan");
    close(fd);
    return size;
}

/* Does nothing where bubblewrap has made the root itself. */
void make_root(void)
{
    int fd = open("/plan", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char *end = plan + read_plan(fd), *words[3];
    int count = 0;
    may_share = !strcmp(plan, "share"); /* the first word alone */
    mount_layer("/tree", "/new");
    for (char *at = plan + (may_share ? sizeof "share" : 0); at < end; at += strlen(at) + 1) {
        words[count++] = at;
        if (count == 3)
            count = 0, follow(words[0], words[1], words[2]);
    }
    if (mount("/proc", "/new/proc", NULL, MS_MOVE, NULL))
        die("cannot move /proc: %s", strerror(errno));
    if (chdir("/new") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
        chdir("/"))
        die("cannot enter the sandbox's root: %s", strerror(errno));
}
