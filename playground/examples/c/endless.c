// Ends at its time limit, or when you press Stop.
#include <stdio.h>
#include <unistd.h>

int main(void) {
  for (int tick = 1;; tick++) {
    printf("tick %d\n", tick);
    usleep(250000);
  }
}
