#include <stdarg.h>
#include <stdio.h>

static double total(int count, ...) {
    va_list list, copy;
    double sum = 0;
    va_start(list, count);
    va_copy(copy, list);
    for (int i = 0; i < count; i++) sum += va_arg(list, double);
    printf("first %.1f\n", va_arg(copy, double));
    va_end(copy);
    va_end(list);
    return sum;
}

#define PICK(x) _Generic((x), int: "int", double: "double", char *: "text", default: "other")

int main(void) {
    printf("%.2f\n", total(3, 1.5, 2.25, 3.0));
    puts(PICK(1));
    puts(PICK(1.0));
    puts(PICK("x"));
    puts(PICK(1L));
}
