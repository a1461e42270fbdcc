#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char name[] = "/tmp/fileXXXXXX";
    int fd = mkstemp(name);
    FILE *other = tmpfile();
    printf("%d %d %d\n", fd > 2, strncmp(name, "/tmp/file", 9), other != NULL);
    unlink(name);
    printf("%d\n", access(name, F_OK));
}
