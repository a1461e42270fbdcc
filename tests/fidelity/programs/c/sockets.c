#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve(void *listener) {
    char text[64];
    int peer = accept((int)(long)listener, NULL, NULL);
    ssize_t n = read(peer, text, sizeof text);
    if (write(peer, text, n) != n) puts("short");
    close(peer);
    return NULL;
}

int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&at, &size);
    pthread_t it;
    pthread_create(&it, NULL, serve, (void *)(long)listener);
    connect(client, (struct sockaddr *)&at, sizeof at);
    char text[64] = "";
    if (write(client, "hello", 5) != 5 || read(client, text, 63) < 0) return 1;
    puts(text);
    pthread_join(it, NULL);
}
