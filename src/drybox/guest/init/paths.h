/* Folders on the way to a file. */
#ifndef DRYBOX_PATHS_H
#define DRYBOX_PATHS_H

int make_folders(char *path);

#endif
