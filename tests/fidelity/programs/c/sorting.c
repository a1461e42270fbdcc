#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

int main(void) {
    const char *words[] = {"pear", "apple", "fig", "Apple", "banana"};
    const char *key = "fig";
    qsort(words, 5, sizeof *words, by_text);
    for (int i = 0; i < 5; i++) puts(words[i]);
    const char **found = bsearch(&key, words, 5, sizeof *words, by_text);
    printf("%td\n", found - words);
    srand(7);
    int a = rand(), b = rand();
    srand(7);
    printf("%d %d\n", a == rand(), b == rand());
}
