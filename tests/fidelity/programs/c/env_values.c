#include <stdio.h>
#include <stdlib.h>

int main(void) {
    const char *names[] = {"PLAIN", "EMPTY", "SPACED", "UTF", "ABSENT", "HOME", "LANG"};
    for (int i = 0; i < 7; i++) {
        const char *value = getenv(names[i]);
        printf("%s=%s\n", names[i], value ? value : "(none)");
    }
    setenv("PLAIN", "other", 1);
    unsetenv("UTF");
    printf("%s %d\n", getenv("PLAIN"), getenv("UTF") == NULL);
}
