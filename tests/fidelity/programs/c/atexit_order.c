#include <stdio.h>
#include <stdlib.h>

static void one(void) { puts("one"); }
static void two(void) { puts("two"); }
__attribute__((constructor)) static void before(void) { puts("before main"); }
__attribute__((destructor)) static void after(void) { puts("after"); }

int main(void) {
    atexit(one);
    atexit(two);
    puts("main");
    exit(9);
}
