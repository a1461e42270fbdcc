#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int fd = open("map", O_RDWR | O_CREAT, 0644);
    if (ftruncate(fd, 8192)) return 1;
    char *text = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!fork()) {
        strcpy(text + 4096, "written by the child");
        *shared = 11;
        _exit(0);
    }
    wait(NULL);
    printf("%s %d\n", text + 4096, *shared);
}
