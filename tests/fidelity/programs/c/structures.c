#include <stddef.h>
#include <stdio.h>

struct packed { char a; int b; } __attribute__((packed));
struct bits { unsigned a : 3, b : 5; signed c : 4; };
union both { float f; unsigned u; };

int main(void) {
    struct bits bits = {5, 17, -3};
    union both both = {.f = 1.0f};
    int grid[2][3] = {[1] = {[2] = 9}};
    printf("%zu %zu %d %d %d\n", sizeof(struct packed), offsetof(struct packed, b), bits.a, bits.b,
           bits.c);
    printf("%x %d %zu %zu\n", both.u, grid[1][2], sizeof(long), sizeof(void *));
    printf("%ld %s\n", __STDC_VERSION__, __FILE__);
    int n = 4, sized[n];
    printf("%zu %d\n", sizeof sized, __LINE__);
}
