#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    puts("before");
    kill(getpid(), SIGTERM);
    for (;;) pause();
}
