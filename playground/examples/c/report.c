// Takes arguments and writes a file, which comes back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  FILE *report = fopen("report.csv", "w");
  int total = 0;
  fputs("fruit,count\n", report);
  for (int i = 1; i < argc; i++) {
    char *count = strchr(argv[i], '=');
    *count++ = '\0';
    fprintf(report, "%s,%s\n", argv[i], count);
    total += atoi(count);
  }
  fclose(report);
  printf("%d kinds of fruit, %d pieces; see report.csv\n", argc - 1, total);
}
