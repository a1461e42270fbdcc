#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int codes[] = {0, 1, 42, 255};
    for (int i = 0; i < 4; i++) {
        int status;
        if (!fork()) _exit(codes[i]);
        wait(&status);
        printf("%d %d\n", WIFEXITED(status), WEXITSTATUS(status));
    }
    int status;
    if (!fork()) raise(SIGKILL);
    wait(&status);
    printf("%d %d\n", WIFSIGNALED(status), WTERMSIG(status));
}
