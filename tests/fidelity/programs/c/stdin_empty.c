#include <stdio.h>

int main(void) {
    printf("%d %d %d\n", getchar(), feof(stdin) != 0, ferror(stdin));
}
