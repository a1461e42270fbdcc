/* Constants that the parts of init share; init.c says what it is. */
#ifndef DRYBOX_INIT_H
#define DRYBOX_INIT_H

#define WORK "/sandbox"
#define BUILD "/build"      /* where compilers write */
#define MAX_FRAME (1 << 20) /* most a request may hold; connection.py keeps to it */
#define CHUNK (32 << 10)    /* most bytes of output in one frame */
#define TOKEN 16            /* bytes that each answer carries; see keep_token() */
#define END 30              /* bytes of the frame that tells a command's end */
#define CHANNEL 100         /* where a prestarted process has its socket; see prestart.py */
#define ASK 3              /* where a kernel reads requests */
#define TELL 4             /* where it writes answers */
#define FORKS 101           /* where a template has the socket that its orders come over */
#define OUTSIDE 3           /* where init has that socket, or the one to a template */

#endif
