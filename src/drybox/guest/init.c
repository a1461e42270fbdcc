/* PID 1 of a sandbox: seals it, then runs commands for drybox over one byte stream.
 *
 * Being PID 1 of the sandbox's own PID namespace it is out of reach of the program's
 * signals, adopts every orphan, and its end is the end of all. Frames in and out are
 * one type byte, a little-endian 32-bit length and that many bytes; protocol.py beside
 * this file is the other end. Requests come on fd 0, answers go out on fd 1, words for
 * people on fd 2. Whatever cannot be done while sealing ends the process: a sandbox
 * is sealed as asked or it does not exist.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORK "/sandbox"
#define SELF "/drybox-init"   /* where layout.py mounts this program */
#define SETTLED "settled"
#define USER 1000             /* who the program is inside, as layout.py's files name it */
#define MAX_TERMINALS "32"    /* of a kernel-wide 4096, so that no sandbox takes them all */
#define MAX_FRAME (1 << 20)   /* most a request may hold; protocol.py keeps to it */
#define CHUNK (32 << 10)      /* most bytes of output in one frame */
#define STDIN_WINDOW (64 << 10) /* bytes of stdin the host may have under way */
#define MAX_DEPTH 64          /* folders below the working directory that a listing enters */
#define MAX_LISTED 100000     /* files that a listing names */

static unsigned char in_buf[MAX_FRAME + 5];
static size_t in_len;
static unsigned char out_buf[2 * (CHUNK + 5) + 256];
static size_t out_len, out_off;
static int listed;

static void die(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > (int)sizeof text - 1)
        n = sizeof text - 1;
    dprintf(2, "drybox-init: %s\n", text);
    _exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t get32(const unsigned char *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = v >> (8 * i) & 255;
}

static void put64(unsigned char *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, v >> 32);
}

/* --- frames out ------------------------------------------------------------------- */

/* Queues a frame; the callers see to it that there is room. */
static void queue(char type, const void *data, size_t n)
{
    if (out_len + 5 + n > sizeof out_buf)
        die("an answer does not fit");
    out_buf[out_len] = type;
    put32(out_buf + out_len + 1, n);
    memcpy(out_buf + out_len + 5, data, n);
    out_len += 5 + n;
}

/* Writes what it can of the queue. The host being gone is the end of the sandbox. */
static void flush_some(void)
{
    while (out_off < out_len) {
        ssize_t n = write(1, out_buf + out_off, out_len - out_off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            _exit(0);
        out_off += n;
    }
    out_off = out_len = 0;
}

static void flush_all(void)
{
    flush_some();
    while (out_len) {
        struct pollfd p = {1, POLLOUT, 0};
        poll(&p, 1, -1);
        flush_some();
    }
}

static void answer(char type, const void *data, size_t n)
{
    queue(type, data, n);
    flush_all();
}

/* --- sealing ---------------------------------------------------------------------- */

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
    bind_place("/run/build", "/build", 0755);
    bind_place("/run/tmp", "/tmp", 01777);
    bind_place("/run/shm", "/dev/shm", 01777);
    if ((mkdir("/dev/pts", 0755) && errno != EEXIST) ||
        (symlink("pts/ptmx", "/dev/ptmx") && errno != EEXIST) ||
        mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,max=" MAX_TERMINALS))
        die("cannot mount the sandbox's terminals: %s", strerror(errno));
    if (umount2("/run", MNT_DETACH))
        die("cannot detach /run: %s", strerror(errno));
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
        die("cannot make the root read-only: %s", strerror(errno));
}

static void write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die("cannot write %s: %s", path, strerror(errno));
    close(fd);
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
    write_map("/proc/self/uid_map", map);
    write_map("/proc/self/setgroups", "deny");
    write_map("/proc/self/gid_map", map);
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
static void settle(const unsigned char *p, size_t n)
{
    if (n != 12)
        die("a malformed disk request");
    mount_places(get64(p), get32(p + 8));
    become_user();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        die("no_new_privs could not be set: %s", strerror(errno));
    drop_capabilities();
    execl(SELF, SELF, SETTLED, NULL);
    die("cannot go on as %s: %s", SELF, strerror(errno));
}

/* Payload: the seccomp filter, or nothing. */
static void seal(const unsigned char *p, size_t n)
{
    if (n % sizeof(struct sock_filter))
        die("a malformed seal request");
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

/* --- files ------------------------------------------------------------------------ */

static int put_fd = -1, put_failed;

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
static void put_open(unsigned char *p, size_t n)
{
    char path[4096];
    close_put();
    if (n < 3 || n - 2 >= sizeof path)
        die("a malformed file request");
    memcpy(path, p + 2, n - 2);
    path[n - 2] = 0;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) && errno != EEXIST) {
            file_error(path);
            return;
        }
        *slash = '/';
    }
    put_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (put_fd < 0 || fchmod(put_fd, p[0] | p[1] << 8))
        file_error(path);
}

static void put_data(const unsigned char *p, size_t n)
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

static void list_files(void)
{
    char path[4200];
    listed = 0;
    int fd = open(WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        list_folder(fd, path, 0, 0);
    answer('f', "", 0);
}

/* Opens a path below the working directory, one name at a time, never through a link. */
static int open_beneath(char *path)
{
    int fd = open(WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
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

/* Payload: 64-bit most bytes, path. Answers data, then an end that says whether it is whole. */
static void send_file(const unsigned char *p, size_t n)
{
    char path[4096], data[CHUNK], whole = 0;
    if (n < 9 || n - 8 >= sizeof path)
        die("a malformed fetch request");
    uint64_t left = get64(p);
    memcpy(path, p + 8, n - 8);
    path[n - 8] = 0;
    int fd = open_beneath(path);
    struct stat st;
    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
        for (;;) {
            ssize_t r = read(fd, data, left < CHUNK ? left + 1 : CHUNK);
            if (r < 0 && errno == EINTR)
                continue;
            if (r == 0)
                whole = 1;
            if (r <= 0 || (uint64_t)r > left)
                break;
            left -= r;
            answer('d', data, r);
        }
    }
    if (fd >= 0)
        close(fd);
    answer('e', &whole, 1);
}

/* --- running ---------------------------------------------------------------------- */

static struct {
    pid_t pid;          /* the main process; 0 when none runs */
    int out, err, in;   /* our ends of its pipes; -1 when closed */
    int status, ended, timed_out, in_eof;
    uint64_t start, end, deadline;
    struct rusage before;
    unsigned char pending[STDIN_WINDOW]; /* stdin it has not taken yet */
    size_t pending_len;
    uint32_t taken; /* bytes of stdin it has taken since the host was last told */
} run = {.out = -1, .err = -1, .in = -1};

static void on_child(int signal) { (void)signal; }

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(int what, rlim_t value)
{
    struct rlimit old, both = {value, value};
    if (!getrlimit(what, &old) && old.rlim_max < value)
        both.rlim_cur = both.rlim_max = old.rlim_max;
    setrlimit(what, &both);
}

static void become(int in, int out, int err, int report, uint32_t open_files, char **argv,
                   char **env, const char *cwd)
{
    reset_signals();
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its /proc files are not its own */
    /* The kernel prefers the program, not its supervisor, when memory runs out. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        close(fd);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    dup2(report, 3);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    if (syscall(SYS_close_range, 4, ~0u, 0))
        for (int extra = 4; extra < 1024; extra++)
            close(extra);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, open_files);
    umask(022);
    /* Found on this process's own PATH: a PATH of the request is for the program only. */
    if (!chdir(cwd))
        execvpe(argv[0], argv, env);
    int problem = errno;
    if (write(3, &problem, sizeof problem) < 0)
        _exit(126);
    _exit(127);
}

/* Payload: 32-bit deadline in ms, open files, argc, envc; then cwd, argv and environment,
 * each with its NUL. */
static void start(unsigned char *p, size_t n)
{
    int in[2], out[2], err[2], report[2], problem = 0;
    if (n < 18 || p[n - 1])
        die("a malformed run request");
    uint32_t ms = get32(p), open_files = get32(p + 4), argc = get32(p + 8), envc = get32(p + 12);
    if (!argc || argc > n || envc > n)
        die("a malformed run request");
    char **strings = calloc(argc + envc + 3, sizeof *strings), **env = strings + argc + 2;
    if (!strings)
        die("no memory for the arguments");
    char *at = (char *)p + 16, *stop = (char *)p + n, *cwd = at;
    for (uint32_t i = 0; i <= argc + envc; i++) {
        if (at >= stop)
            die("a malformed run request");
        if (i)
            (i <= argc ? strings : env - argc)[i - 1] = at;
        at += strlen(at) + 1;
    }
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
        pipe2(report, O_CLOEXEC))
        die("no pipe: %s", strerror(errno));
    memset(&run, 0, sizeof run);
    run.in = in[1], run.out = out[0], run.err = err[0];
    getrusage(RUSAGE_CHILDREN, &run.before);
    run.start = now_ns();
    run.deadline = run.start + (uint64_t)ms * 1000000u;
    run.pid = fork();
    if (run.pid == 0)
        become(in[0], out[1], err[1], report[1], open_files, strings, env, cwd);
    close(in[0]), close(out[1]), close(err[1]), close(report[1]);
    free(strings);
    if (run.pid < 0)
        problem = errno;
    else if (read(report[0], &problem, sizeof problem) <= 0)
        problem = 0;
    close(report[0]);
    if (problem) {
        if (run.pid > 0)
            waitpid(run.pid, NULL, 0);
        close(run.in), close(run.out), close(run.err);
        memset(&run, 0, sizeof run);
        run.in = run.out = run.err = -1;
        unsigned char code[4];
        put32(code, problem);
        answer('N', code, 4);
        return;
    }
    fcntl(run.in, F_SETFL, O_NONBLOCK);
    fcntl(run.out, F_SETFL, O_NONBLOCK);
    fcntl(run.err, F_SETFL, O_NONBLOCK);
    queue('B', "", 0);
}

/* Lets the host send as much stdin as the program has taken. */
static void credit(void)
{
    unsigned char frame[4];
    put32(frame, run.taken);
    run.taken = 0;
    queue('C', frame, 4);
}

static void close_stdin(void)
{
    if (run.in >= 0)
        close(run.in);
    run.in = -1;
}

/* Gives the program what it takes of its stdin; what it will never take is let go. */
static void feed(void)
{
    size_t done = 0;
    while (run.in >= 0 && done < run.pending_len) {
        ssize_t n = write(run.in, run.pending + done, run.pending_len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            close_stdin();
        else
            done += n;
    }
    if (run.in < 0)
        done = run.pending_len;
    memmove(run.pending, run.pending + done, run.pending_len - done);
    run.pending_len -= done;
    run.taken += done;
    if (run.in_eof && !run.pending_len)
        close_stdin();
}

static void pump(int *fd, char type)
{
    unsigned char data[CHUNK];
    ssize_t n = read(*fd, data, sizeof data);
    if (n > 0)
        queue(type, data, n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static int64_t micros(struct timeval a, struct timeval b)
{
    return (a.tv_sec - b.tv_sec) * 1000000ll + (a.tv_usec - b.tv_usec);
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == run.pid && !run.ended) {
            run.ended = 1;
            run.status = status;
            run.end = now_ns();
            /* The program's end is its whole tree's end, daemons included. */
            kill(-1, SIGKILL);
        }
    }
}

/* When the main process has ended and all output is out: wait for the last orphan, so
 * that its CPU time counts, and tell the outcome. */
static void finish(void)
{
    int status;
    kill(-1, SIGKILL);
    while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
        ;
    struct rusage after;
    getrusage(RUSAGE_CHILDREN, &after);
    unsigned char frame[21];
    put32(frame, run.status);
    put64(frame + 4, run.end - run.start);
    put64(frame + 12, micros(after.ru_utime, run.before.ru_utime) +
                          micros(after.ru_stime, run.before.ru_stime));
    frame[20] = run.timed_out;
    close_stdin();
    run.pid = 0;
    queue('Z', frame, sizeof frame);
    flush_all();
}

/* --- the loop --------------------------------------------------------------------- */

static void handle(char type, unsigned char *p, size_t n)
{
    if (run.pid) {
        if (type == 'I') {
            if (run.pending_len + n > sizeof run.pending)
                die("more stdin than there is room for");
            memcpy(run.pending + run.pending_len, p, n);
            run.pending_len += n;
            feed();
        } else if (type == 'E') {
            run.in_eof = 1;
            feed();
        } else if (type == 'K') {
            kill(-1, SIGKILL);
        } else {
            die("request %d while a program runs", type);
        }
        return;
    }
    switch (type) {
    case 'M': settle(p, n); break;
    case 'S': seal(p, n); break;
    case 'P': put_open(p, n); break;
    case 'D': put_data(p, n); break;
    case 'Y': close_put(); put_failed = 0; answer('y', "", 0); break;
    case 'X': start(p, n); break;
    case 'L': list_files(); break;
    case 'G': send_file(p, n); break;
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

static void step(const sigset_t *unblocked)
{
    struct pollfd p[5] = {{0, POLLIN, 0}, {-1, POLLOUT, 0}, {-1, POLLIN, 0},
                          {-1, POLLIN, 0}, {-1, POLLOUT, 0}};
    struct timespec wait = {0, 0}, *timeout = NULL;
    if (!out_len && run.pid && run.taken)
        credit();
    if (out_len)
        p[1].fd = 1;
    else
        p[2].fd = run.pid ? run.out : -1, p[3].fd = run.pid ? run.err : -1;
    if (run.pid && run.pending_len)
        p[4].fd = run.in;
    if (run.pid && !run.ended && !run.timed_out) {
        uint64_t now = now_ns(), left = run.deadline > now ? run.deadline - now : 0;
        wait.tv_sec = left / 1000000000u;
        wait.tv_nsec = left % 1000000000u;
        timeout = &wait;
    }
    ppoll(p, 5, timeout, unblocked);
    if (run.pid && !run.ended && !run.timed_out && now_ns() >= run.deadline) {
        run.timed_out = 1;
        kill(-1, SIGKILL);
    }
    reap();
    if (p[1].revents)
        flush_some();
    if (p[4].revents)
        feed();
    if (!out_len && run.pid) {
        if (p[2].revents)
            pump(&run.out, '1');
        if (p[3].revents)
            pump(&run.err, '2');
        flush_some();
    }
    if (run.pid && run.ended && run.out < 0 && run.err < 0 && !out_len)
        finish();
    if (p[0].revents) {
        ssize_t n = read(0, in_buf + in_len, sizeof in_buf - in_len);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            _exit(0); /* drybox is gone; with PID 1 everything here goes */
        if (n > 0) {
            in_len += n;
            take_requests();
        }
    }
}

int main(int argc, char **argv)
{
    sigset_t child, unblocked;
    struct sigaction wake = {.sa_handler = on_child};
    sigaction(SIGCHLD, &wake, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &unblocked);
    sigdelset(&unblocked, SIGCHLD);
    umask(0);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
    if (argc == 2 && !strcmp(argv[1], SETTLED))
        answer('m', "", 0);
    for (;;)
        step(&unblocked);
}
