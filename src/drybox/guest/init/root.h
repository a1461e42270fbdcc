/* The file system. */
#ifndef DRYBOX_ROOT_H
#define DRYBOX_ROOT_H

void make_root(void);

#endif
