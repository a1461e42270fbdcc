#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char text[] = "a,b;;c", *rest = text, *part;
    while ((part = strsep(&rest, ",;"))) printf("<%s>", part);
    char *end;
    errno = 0;
    printf("\n%ld %s", strtol("0x1fzz", &end, 0), end);
    printf(" %ld %s\n", strtol("99999999999999999999", NULL, 10), strerror(errno));
    printf("%d %d %s\n", toupper('q'), isspace('\t') != 0, strstr("haystack", "st"));
    printf("%s %s\n", strdup("copy"), strpbrk("find it", "aeiou"));
    printf("%s|%s\n", strerror(ENOENT), strsignal(11));
}
