#include <stdio.h>

int main(void) {
    char *volatile text = "constant";
    puts(text);
    text[0] = 'C';
}
