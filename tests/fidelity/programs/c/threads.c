#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void *add(void *much) {
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&lock);
        sum += (long)much;
        pthread_mutex_unlock(&lock);
    }
    return much;
}

int main(void) {
    pthread_t all[8];
    long ends = 0;
    for (long i = 0; i < 8; i++) pthread_create(all + i, NULL, add, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *end;
        pthread_join(all[i], &end);
        ends += (long)end;
    }
    printf("%ld %ld\n", sum, ends);
}
