#include <stdio.h>

int main(void) {
    for (int i = 0; i < 2000; i++) {
        printf("out %d\n", i);
        fprintf(stderr, "err %d\n", i);
    }
}
