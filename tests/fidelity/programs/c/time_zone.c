#include <stdio.h>
#include <time.h>

int main(void) {
    time_t then = 1700000000;
    char text[64];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", localtime(&then));
    puts(text);
    strftime(text, sizeof text, "%A %d %B %j", gmtime(&then));
    puts(text);
}
