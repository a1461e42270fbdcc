#include <iostream>

static int down(volatile int *above, int n) {
    volatile int block[1024];
    block[n % 1024] = above[0];
    return down(block, n + 1) + block[0];
}

int main() {
    int start = 1;
    std::cout << "before\n";
    return down(&start, 0);
}
