#include <stdio.h>

int main(int argc, char **argv) {
    int *volatile nowhere = NULL;
    puts("before");
    *nowhere = argc;
}
