/* Folders on the way to a file, and what is opened without following a link. */
#ifndef DRYBOX_PATHS_H
#define DRYBOX_PATHS_H

int make_folders(char *path);

/* Opens nothing but what has this name itself, and waits for no writer of a pipe. */
#define NO_LINK (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Opens a folder, never through a link. */
int open_folder(int parent, const char *name);

#endif
