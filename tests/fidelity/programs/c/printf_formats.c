#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

int main(void) {
    printf("[%5d|%-5d|%05d|%+d|%x|%#o|%X]\n", 42, 42, 42, 42, 255, 8, 0xbeef);
    printf("[%8.3f|%-10.2e|%g|%g|%a]\n", 3.14159, 12345.678, 1e-7, 1e20, 0.5);
    printf("[%s|%.3s|%10s|%c|%%]\n", "text", "shortened", "right", 'c');
    printf("%" PRId64 " %" PRIu64 " %zu %td\n", INT64_MIN, UINT64_MAX, (size_t)1, (ptrdiff_t)-1);
    printf("%f %f %f\n", INFINITY, -INFINITY, NAN);
    printf("%p %s\n", NULL, 1 ? "end" : "");
}
