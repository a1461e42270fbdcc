#include <stdio.h>

int main(void) {
  puts("Hello from a sealed sandbox!");
  printf("C of %ld, compiled by %s\n", __STDC_VERSION__, __VERSION__);
}
