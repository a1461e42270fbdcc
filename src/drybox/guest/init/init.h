/* What the parts of init share; init.c says what it is. */
#ifndef DRYBOX_INIT_H
#define DRYBOX_INIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define WORK "/sandbox"
#define BUILD "/build"      /* where compilers write */
#define MAX_FRAME (1 << 20) /* most a request may hold; protocol.py keeps to it */
#define CHUNK (32 << 10)    /* most bytes of output in one frame */
#define TOKEN 16            /* bytes that each answer carries; see keep_token() */
#define END 30              /* bytes of the frame that tells a command's end */
#define CHANNEL 100         /* where a runner has its socket; see warm.py */

/* frames.c: numbers as they travel, and answers to the host */
void keep_token(const unsigned char *p);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
uint32_t get32(const unsigned char *p);
uint64_t get64(const unsigned char *p);
void put32(unsigned char *p, uint32_t v);
void put64(unsigned char *p, uint64_t v);
void queue(char type, const void *data, size_t n);
void answer(char type, const void *data, size_t n);
void flush_some(void);
void flush_all(void);
int answers_wait(void);
int takes_chunk(void);

/* seal.c: what is done before any user data comes in */
void settle(const unsigned char *p, size_t n);
void seal(const unsigned char *p, size_t n);
extern const char settled[];

/* usage.c: what the sandbox's own cgroup tells, if it is to be seen from inside */
uint64_t oom_kills(void);
uint64_t memory_peak(void);

/* lease.c: an end for when nothing is heard of drybox any more */
void lease(const unsigned char *p, size_t n);
void renew_lease(void);
struct pollfd lease_ended(void);

/* files.c: files into a sandbox and out of it */
void put_open(unsigned char *p, size_t n);
void put_data(const unsigned char *p, size_t n);
void put_end(void);
int make_folders(char *path);
int files_lacking(void);
void list_files(const char *folder);
void send_file(const char *folder, const unsigned char *p, size_t n);

/* spawn.c: how a process comes to be */
struct order {
    uint32_t open_files;
    char **argv, **env;
    const char *cwd;
    int has_channel; /* gets its job later, over a socket on descriptor CHANNEL */
};
struct process {
    pid_t pid;        /* 0 when there is none */
    int in, out, err; /* our ends of its pipes; -1 when closed */
    int channel;      /* our end of a runner's socket; -1 when closed */
    int kept[2];      /* its ends of its output; open, so that only its death wakes init */
};
#define NOBODY {0, -1, -1, -1, -1, {-1, -1}}
int spawn(struct process *made, const struct order *order);
void let_go(struct process *made);

/* runner.c: processes that wait for their jobs */
enum way { ASKS, STANDS_BEFORE_DOOR };
void prepare_door(const char *door);
void keep_runner(struct process *made, enum way way, const char *door);
int coming_runner(void);
void attend_runners(int has_news);
int free_doors(void);
pid_t choose_runner(uint32_t number);
int take_runner(struct process *made, uint32_t number, const unsigned char *job, size_t n);
int is_runner(pid_t pid);
void runner_ended(pid_t pid);
void dismiss_runners(void);
void clear_away(void);
void kill_all(void);

/* turns.c: how long the kernel lets a process run before others have theirs */
void take_short_turns(void);
void lengthen_turns(void);

/* run.c: the program */
int running(void);
pid_t wait_for_any(int *status, int options);
void start(unsigned char *p, size_t n);
void start_runner(unsigned char *p, size_t n);
void hand_over(const unsigned char *p, size_t n);
void handle_running(char type, const unsigned char *p, size_t n);
struct timespec *prepare_run(struct pollfd p[3], struct timespec *left);
void advance_run(const struct pollfd p[3]);

#endif
