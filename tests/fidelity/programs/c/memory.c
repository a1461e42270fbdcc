#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *block = NULL;
    for (size_t size = 1; size <= 1 << 22; size *= 2) {
        block = realloc(block, size);
        block[size - 1] = 'x';
    }
    int *zeros = calloc(1000, sizeof *zeros), sum = 0;
    for (int i = 0; i < 1000; i++) sum += zeros[i];
    volatile size_t huge = (size_t)1 << 62;
    void *none = malloc(huge);
    printf("%d %d %s\n", sum, none == NULL, strerror(errno));
    printf("%d\n", (int)((size_t)aligned_alloc(4096, 8192) % 4096));
    free(block);
}
