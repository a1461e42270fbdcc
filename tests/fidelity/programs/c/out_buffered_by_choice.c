#include <stdio.h>
#include <unistd.h>

int main(void) {
    static char room[1 << 16];
    setvbuf(stdout, room, _IOFBF, sizeof room);
    puts("second");
    if (write(1, "first\n", 6) != 6) return 1;
    fflush(stdout);
    puts("lost");
    _exit(0);
}
