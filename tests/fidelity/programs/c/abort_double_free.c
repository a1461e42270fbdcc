#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *volatile block = malloc(40);
    puts("before");
    free(block);
    free(block);
    puts("never");
}
