#include <stdio.h>

int main(void) {
    printf("no end");
    fprintf(stderr, "nor here");
}
