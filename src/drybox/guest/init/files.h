/* Files into a sandbox and out of it. */
#ifndef DRYBOX_FILES_H
#define DRYBOX_FILES_H

#include <stddef.h>

void put_open(unsigned char *p, size_t n);
void put_data(const unsigned char *p, size_t n);
void put_end(void);
int files_lacking(void);
void list_files(const char *folder);
int open_beneath(const char *folder, char *path);
void send_file(const char *folder, const unsigned char *p, size_t n);

#endif
