#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

int main(void) {
    char back[32] = "";
    FILE *file = fopen("data.txt", "w+");
    fputs("line one\nline two\n", file);
    fseek(file, 5, SEEK_SET);
    printf("%zu %ld ", fread(back, 1, 8, file), ftell(file));
    puts(back);
    fclose(file);
    rename("data.txt", "other.txt");
    printf("%d %d\n", access("data.txt", F_OK), access("other.txt", F_OK));
    printf("%s\n", fopen("none/x", "w") ? "" : strerror(errno));
    printf("%s\n", fopen("/etc/x", "w") ? "" : "refused");
}
