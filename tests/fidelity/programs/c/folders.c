#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int main(void) {
    struct dirent **names;
    struct stat state;
    mkdir("d", 0750);
    fclose(fopen("d/b", "w"));
    fclose(fopen("d/a", "w"));
    mkdir("d/c", 0700);
    int count = scandir("d", &names, shown, alphasort);
    for (int i = 0; i < count; i++) printf("%s %d\n", names[i]->d_name, names[i]->d_type);
    stat("d", &state);
    printf("%o\n", state.st_mode);
}
