#include <stdio.h>

int main(void) { fputs("\a\b\t\v\f\r\x1b[31mred\x1b[0m\x7f\n", stdout); }
