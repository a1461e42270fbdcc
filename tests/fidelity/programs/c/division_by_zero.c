#include <stdio.h>

int main(int argc, char **argv) {
    volatile int zero = argc - 1;
    puts("before");
    return 1 / zero;
}
