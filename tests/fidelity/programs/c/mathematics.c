#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv) {
    volatile double x = argc + 1.0;
    printf("%.12f %.12f %.12f\n", sin(x), exp(x), lgamma(x + 5));
    printf("%.6f %.6f\n", creal(csqrt(-x)), cimag(csqrt(-x)));
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = x - x, quotient = 1 / zero;
    printf("%f %d %ld\n", quotient, fetestexcept(FE_DIVBYZERO) != 0, lround(2.5));
    printf("%.20Lf\n", sqrtl(2.0L));
}
