/* Folders and what is in them. */
#ifndef DRYBOX_FILE_TREE_H
#define DRYBOX_FILE_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

size_t describe(unsigned char *record, int folder, const char *name, const struct stat *st);
int list_below(uint32_t request, const char *path, int depth);
int remove_all(const char *path);

#endif
