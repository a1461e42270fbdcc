#include <stdio.h>
#include <string.h>

int main(void) {
    char line[16];
    while (fgets(line, sizeof line, stdin)) printf("%zu [%s]\n", strlen(line), line);
}
