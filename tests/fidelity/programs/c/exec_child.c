#include <stdio.h>
#include <unistd.h>

int main(void) {
    puts("before");
    execlp("sh", "sh", "-c", "echo $0 $1; exit 6", "name", NULL);
    perror("exec");
}
