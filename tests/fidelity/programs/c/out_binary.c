#include <stdio.h>

int main(void) {
    for (int i = 0; i < 256; i++) putchar(i);
    for (int i = 255; i >= 0; i--) putc(i, stderr);
}
