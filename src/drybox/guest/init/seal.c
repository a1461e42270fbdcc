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
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "die.h"
#include "frames.h"
#include "init.h"
#include "numbers.h"
#include "root.h"
#include "seal.h"
#include "spawn.h"
#include "usage.h"

#define SELF "/drybox-init" /* where layout.py mounts this program */
#define USER 1000           /* who the program is inside, as layout.py's files name it */
#define JOINING (1u << CAP_SYS_ADMIN | 1u << CAP_SYS_CHROOT | 1u << CAP_SYS_PTRACE)
#define MAX_TERMINALS "32"  /* of a kernel-wide 4096, so that no sandbox takes them all */

/* What the new image of this program is called with, by purpose. */
static const char *const purposes[] = {"settled", "template", "joined"};
static enum purpose what_for;

enum purpose purpose(void)
{
    return what_for;
}

/* In the new image: what the old one was told. */
void recall_purpose(const char *word)
{
    for (int i = USUAL_SANDBOX; i <= JOINED; i++)
        if (!strcmp(word, purposes[i])) {
            what_for = i;
            return;
        }
    die("an unknown purpose: %s", word);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die("cannot write %s: %s", path, strerror(errno));
    close(fd);
}

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die("cannot make %s: %s", path, strerror(errno));
    close(fd);
}

/* Shows something else in the place of what this kernel may not have. */
static void cover(const char *path, const char *with)
{
    if (mount(with, path, NULL, MS_BIND, NULL) && errno == ENOENT)
        return;
    if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
        die("cannot cover %s: %s", path, strerror(errno));
}

/* The host's would tell two sandboxes that they are on one host, and since when it runs. */
static const char *new_boot_id(void)
{
    static char text[38];
    unsigned char id[16];
    if (getrandom(id, sizeof id, 0) != sizeof id)
        die("no random number: %s", strerror(errno));
    id[6] = (id[6] & 0x0f) | 0x40, id[8] = (id[8] & 0x3f) | 0x80; /* as of version 4 */
    char *at = text;
    for (int i = 0; i < 16; i++)
        at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    strcpy(at, "\n");
    return text;
}

/* Of what the kernel counts for the host's user, this namespace may take but a part; and
 * there is to be one more user namespace below this one, which is ours. Then the settings are
 * closed, those of the sandbox's own namespaces too, and files that tell of the host with them. */
static void close_proc(void)
{
    static const char *const files[] = {
        "/proc/keys",    "/proc/key-users", "/proc/timer_list", "/proc/kcore",
        "/proc/cmdline", "/proc/config.gz", "/proc/kallsyms",   "/proc/sysrq-trigger",
        "/proc/locks",   "/proc/buddyinfo", "/proc/zoneinfo"};
    /* File systems tell of the host's disks; who may write to pressure has the kernel measure. */
    static const char *const folders[] = {"/proc/fs", "/proc/pressure"};
    write_file("/proc/sys/user/max_inotify_instances", "16");
    write_file("/proc/sys/user/max_inotify_watches", "4096");
    if (what_for != TEMPLATE) /* below a template are the sandboxes that are forked from it */
        write_file("/proc/sys/user/max_user_namespaces", "1");
    if (mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL) ||
        mount(NULL, "/proc/sys", NULL,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        die("cannot close /proc/sys: %s", strerror(errno));
    make_file("/run/nothing", "");
    make_file("/run/boot_id", new_boot_id());
    if (mkdir("/run/empty", 0755))
        die("cannot make /run/empty: %s", strerror(errno));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        cover(files[i], "/run/nothing");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        cover(folders[i], "/run/empty");
    cover("/proc/sys/kernel/random/boot_id", "/run/boot_id");
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

/* Covers a template's program with a copy that its children run, and cannot open. /proc/self/exe leads
 * to it in all of them: locks on it and watches would be theirs together. */
static void cover_program(const char *path)
{
    static const char copy[] = "/run/program";
    char data[CHUNK];
    ssize_t n;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0111);
    if (from < 0 || to < 0)
        die("cannot copy %.200s: %s", path, strerror(errno));
    while ((n = read(from, data, sizeof data)) > 0)
        if (write(to, data, n) != n)
            die("cannot copy %.200s: %s", path, strerror(errno));
    close(from), close(to);
    if (n < 0 || mount(copy, path, NULL, MS_BIND, NULL) ||
        mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
        die("cannot cover %.200s: %s", path, strerror(errno));
}

/* All writable places share one tmpfs, so that one size and one count of inodes bound
 * them together; then the root itself becomes read-only. */
static void mount_places(uint64_t size, uint32_t inodes, const char *program)
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
    if (what_for == TEMPLATE)
        cover_program(program);
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

/* Drops all but those in a set of the first 32. */
static void drop_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2] = {{kept, kept, 0}, {0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (cap >= 32 || !(kept & 1u << cap))
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    syscall(SYS_capset, &head, caps);
    caps[0].permitted = caps[1].permitted = caps[0].effective = caps[1].effective = ~kept;
    if (syscall(SYS_capget, &head, caps) || caps[0].permitted != kept || caps[1].permitted ||
        caps[0].effective != kept || caps[1].effective)
        die("capabilities could not be dropped");
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && (cap >= 32 || !(kept & 1u << cap)))
            die("capability %d stays in the bounding set", cap);
}

/* Payload: 64-bit size and 32-bit count of inodes of the disk, purpose, a template's program with its
 * NUL. Goes on as a new image of
 * itself, whose memory belongs to the user's namespace: only then are this process's
 * /proc files not the user's own. */
void settle(const unsigned char *p, size_t n)
{
    if (n < 14 || p[12] > JOINED || p[n - 1])
        die("a malformed disk request");
    what_for = p[12];
    make_root();
    mount_places(get64(p), get32(p + 8), (const char *)p + 13);
    if (what_for != TEMPLATE)
        become_user();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        die("no_new_privs could not be set: %s", strerror(errno));
    /* A template has a say over the namespaces below its own, and over no others. Its filter lets it
     * do no more with that than to join them. */
    drop_capabilities(what_for == TEMPLATE ? JOINING : 0);
    execl(SELF, SELF, purposes[what_for], NULL);
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
    /* With 1 a crash starts nothing on the host, where a core dump would go to a program there;
     * 0 does not keep it from that. The filter keeps the number as it is. */
    limit(RLIMIT_CORE, 1);
    limit(RLIMIT_RTPRIO, 0);
    open_sockets(what_for != TEMPLATE); /* its children bring filters of their own */
    open_self();
    if (n) {
        struct sock_fprog filter = {n / sizeof(struct sock_filter), (struct sock_filter *)p};
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0))
            die("the seccomp filter was refused: %s", strerror(errno));
    }
    if (chdir(WORK))
        die("cannot enter %s: %s", WORK, strerror(errno));
    answer('R', "", 0);
}

