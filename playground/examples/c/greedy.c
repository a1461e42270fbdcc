// Takes memory until the limit ends it. The host does not notice.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  for (int taken = 8;; taken += 8) {
    memset(malloc(8 << 20), 1, 8 << 20);
    printf("%d MiB\n", taken);
  }
}
