#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(void) {
    char line[99];
    FILE *child = popen("echo from child; exit 3", "r");
    while (fgets(line, sizeof line, child)) printf("got %s", line);
    printf("%d\n", WEXITSTATUS(pclose(child)));
    printf("%d\n", WEXITSTATUS(system("exit 5")));
}
