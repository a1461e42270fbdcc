/* A process with everything that descends from it. */
#ifndef DRYBOX_TREE_H
#define DRYBOX_TREE_H

#include <sys/types.h>

void kill_tree(pid_t pid);

#endif
