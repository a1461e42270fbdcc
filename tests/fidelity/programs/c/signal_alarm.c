#include <stdio.h>
#include <unistd.h>

int main(void) {
    puts("before");
    alarm(1);
    for (;;) pause();
}
