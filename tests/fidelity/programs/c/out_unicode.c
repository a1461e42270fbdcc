#include <stdio.h>

int main(void) {
    puts("é ☃ 𝄞 ｆ \u00fc \U0001F600");
    printf("%zu %zu\n", sizeof "é", sizeof u8"☃");
}
