#include <stdio.h>

int main(void) {
    int count, read;
    long sum = 0;
    double value;
    read = scanf("%d", &count);
    for (int i = 0; i < count; i++) {
        int number;
        read += scanf("%d", &number);
        sum += number;
    }
    read += scanf("%lf", &value);
    printf("%ld %.3f %d %d\n", sum, value, read, scanf("%d", &count));
}
