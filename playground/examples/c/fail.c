// What goes to stderr is marked; the exit code is told as it is.
#include <stdio.h>

int main(void) {
  puts("This line goes to stdout.");
  fputs("\x1b[1;33mWarning:\x1b[0m this goes to stderr.\n", stderr);
  puts("And this one to stdout again.");
  return 3;
}
