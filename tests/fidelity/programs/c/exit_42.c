#include <stdlib.h>

static void deep(int n) {
    if (!n) exit(42);
    deep(n - 1);
}

int main(void) { deep(10); }
