#include <setjmp.h>
#include <stdio.h>

static jmp_buf back;

static void deep(int n) {
    if (n == 0) longjmp(back, 3);
    deep(n - 1);
}

int main(void) {
    volatile int tries = 0;
    int code = setjmp(back);
    printf("%d %d\n", code, tries);
    if (++tries < 3) deep(5);
}
