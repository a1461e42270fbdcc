#include <pthread.h>
#include <stdio.h>

static void *fall(void *nowhere) { return *(void *volatile *)nowhere; }

int main(void) {
    pthread_t it;
    puts("before");
    pthread_create(&it, NULL, fall, NULL);
    pthread_join(it, NULL);
    puts("never");
}
