#include <stdio.h>

static int down(volatile char *above, int n) {
    volatile char block[8192];
    block[n % 8192] = above[0];
    return down(block, n + 1) + block[0];
}

int main(void) {
    puts("before");
    return down("x", 0);
}
