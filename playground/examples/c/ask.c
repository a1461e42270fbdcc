// Type into the line below the output while this runs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *ask(const char *question, char *line, int size) {
  fputs(question, stdout);
  fflush(stdout);
  if (!fgets(line, size, stdin)) exit(1);
  line[strcspn(line, "\n")] = '\0';
  return line;
}

int main(void) {
  char name[100], question[200], count[20];
  ask("What is your name? ", name, sizeof name);
  snprintf(question, sizeof question, "How often shall I greet you, %s? ", name);
  int greetings = atoi(ask(question, count, sizeof count));
  for (int n = 1; n <= greetings && n <= 10; n++) printf("%d. Hello, %s!\n", n, name);
}
