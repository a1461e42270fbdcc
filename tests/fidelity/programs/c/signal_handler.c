#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t seen;
static void note(int number) { seen += number; }

int main(void) {
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    raise(SIGUSR1);
    raise(SIGTERM);
    printf("%d\n", seen);
}
