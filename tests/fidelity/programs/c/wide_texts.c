#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

int main(void) {
    printf("%s\n", setlocale(LC_ALL, ""));
    wchar_t wide[32];
    size_t n = mbstowcs(wide, "é☃x", 32);
    printf("%zu %x %x %d\n", n, (unsigned)wide[0], (unsigned)wide[1], iswalpha(wide[0]) != 0);
    printf("%lc %ls\n", (wint_t)0x2603, wide);
    setlocale(LC_ALL, "C");
    printf("%zd %zu\n", (ssize_t)mbstowcs(wide, "é", 32), strlen("é"));
}
