#include <stdio.h>
#include <unistd.h>

int main(void) {
    printf("a whole line\nand a begun one");
    _exit(7);
}
