#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

#define SELF "/drybox-init" /* where layout.py mounts this program */
#define USER 1000           /* who the program is inside, as layout.py's files name it */
#define MAX_TERMINALS "32"  /* of a kernel-wide 4096, so that no sandbox takes them all */

const char settled[] = "settled";

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die("cannot write %s: %s", path, strerror(errno));
    close(fd);
}

/* Of what the kernel counts for the host's user, this namespace may take but a part; and
 * there is to be one more user namespace below this one, which is ours. Then the settings are
 * closed, those of the sandbox's own namespaces too, and files that tell of the host with them. */
static void close_proc(void)
{
    static const char *const hidden[] = {"/proc/keys", "/proc/key-users", "/proc/timer_list",
                                         "/proc/kcore", "/proc/sysrq-trigger"};
    write_file("/proc/sys/user/max_inotify_instances", "16");
    write_file("/proc/sys/user/max_inotify_watches", "4096");
    write_file("/proc/sys/user/max_user_namespaces", "1");
    if (mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL) ||
        mount(NULL, "/proc/sys", NULL,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        die("cannot close /proc/sys: %s", strerror(errno));
    int nothing = open("/run/nothing", O_CREAT | O_WRONLY | O_CLOEXEC, 0);
    if (nothing < 0)
        die("cannot make /run/nothing: %s", strerror(errno));
    close(nothing);
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        if (mount("/run/nothing", hidden[i], NULL, MS_BIND, NULL) && errno == ENOENT)
            continue; /* this kernel has no such file */
        if (mount(NULL, hidden[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
                  NULL))
            die("cannot hide %s: %s", hidden[i], strerror(errno));
    }
}

static void bind_place(const char *from, const char *to, mode_t mode)
{
    if (mkdir(from, mode) || chmod(from, mode))
        die("cannot make %s: %s", from, strerror(errno));
    if (mkdir(to, 0755) && errno != EEXIST)
        die("cannot make %s: %s", to, strerror(errno));
    if (mount(from, to, NULL, MS_BIND, NULL))
        die("cannot mount %s: %s", to, strerror(errno));
}

/* All writable places share one tmpfs, so that one size and one count of inodes bound
 * them together; then the root itself becomes read-only. */
static void mount_places(uint64_t size, uint32_t inodes)
{
    char options[128];
    snprintf(options, sizeof options, "size=%llu,nr_inodes=%u,mode=0755",
             (unsigned long long)size, inodes);
    if ((mkdir("/run", 0755) && errno != EEXIST) ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, options))
        die("cannot mount the sandbox's disk: %s", strerror(errno));
    bind_place("/run/sandbox", WORK, 0755);
    bind_place("/run/build", BUILD, 0755);
    bind_place("/run/tmp", "/tmp", 01777);
    bind_place("/run/shm", "/dev/shm", 01777);
    if ((mkdir("/dev/pts", 0755) && errno != EEXIST) ||
        (symlink("pts/ptmx", "/dev/ptmx") && errno != EEXIST) ||
        mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,max=" MAX_TERMINALS))
        die("cannot mount the sandbox's terminals: %s", strerror(errno));
    close_proc();
    if (umount2("/run", MNT_DETACH))
        die("cannot detach /run: %s", strerror(errno));
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
        die("cannot make the root read-only: %s", strerror(errno));
}

/* So far this is root of the sandbox's user namespace, without which there are no
 * terminals to be had. In a namespace below it is an ordinary user, and nothing in there
 * has any say over the mounts made so far. */
static void become_user(void)
{
    char map[32];
    if (unshare(CLONE_NEWUSER))
        die("cannot leave the outer user namespace: %s", strerror(errno));
    snprintf(map, sizeof map, "%d 0 1\n", USER);
    write_file("/proc/self/uid_map", map);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", map);
    if (getuid() != USER || getgid() != USER || geteuid() != USER)
        die("this is still user %d", (int)getuid());
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2] = {{0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    syscall(SYS_capset, &head, caps);
    caps[0].permitted = caps[1].permitted = caps[0].effective = caps[1].effective = 1;
    if (syscall(SYS_capget, &head, caps) || caps[0].permitted || caps[1].permitted ||
        caps[0].effective || caps[1].effective)
        die("capabilities could not be dropped");
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            die("capability %d stays in the bounding set", cap);
}

/* Payload: 64-bit size and 32-bit count of inodes of the disk. Goes on as a new image of
 * itself, whose memory belongs to the user's namespace: only then are this process's
 * /proc files not the user's own. */
void settle(const unsigned char *p, size_t n)
{
    if (n != 12)
        die("a malformed disk request");
    mount_places(get64(p), get32(p + 8));
    become_user();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        die("no_new_privs could not be set: %s", strerror(errno));
    drop_capabilities();
    execl(SELF, SELF, settled, NULL);
    die("cannot go on as %s: %s", SELF, strerror(errno));
}

/* Payload: the token of all answers from here on, then the seccomp filter, or nothing. */
void seal(const unsigned char *p, size_t n)
{
    if (n < TOKEN || (n - TOKEN) % sizeof(struct sock_filter))
        die("a malformed seal request");
    keep_token(p);
    p += TOKEN, n -= TOKEN;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        die("no_new_privs could not be set: %s", strerror(errno));
    /* Not dumpable: the program may neither trace this process nor open its /proc files. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        die("cannot become undumpable: %s", strerror(errno));
    if (n) {
        struct sock_fprog filter = {n / sizeof(struct sock_filter), (struct sock_filter *)p};
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0))
            die("the seccomp filter was refused: %s", strerror(errno));
    }
    if (chdir(WORK))
        die("cannot enter %s: %s", WORK, strerror(errno));
    answer('R', "", 0);
}

