# Pins down numbers: float text, formatting, decimal, fractions, big integers, locale settings.
import decimal
import fractions
import locale
import math
import random
import sys

print(0.1 + 0.2, 1e22, 1e-7, float("nan"), -0.0, sys.float_info.max, math.nextafter(1, 2))
print(f"{1234567.891:,.2f} {255:#x} {-5:08b} {0.000123:.3g} {1e6:e} {0.256:.1%} {'é':^7}|{3.14159:+10.3f}|")
print(math.sin(1e22), math.exp(1), math.gamma(0.5), math.fsum([0.1] * 10), round(2.5), round(-1.5), 7 // -2, 7 % -2)
print(2**521 - 1, pow(3, -1, 1009), math.isqrt(10**41), (-17).to_bytes(2, "big", signed=True))
decimal.getcontext().prec = 40
print(decimal.Decimal(2).sqrt(), decimal.Decimal("1.10") + decimal.Decimal("2.205"), fractions.Fraction(0.75) ** 3)
print(locale.setlocale(locale.LC_ALL, ""), locale.getlocale(), locale.localeconv()["decimal_point"])
print(locale.format_string("%.2f", 1234567.891, grouping=True), locale.strxfrm("a") < locale.strxfrm("b"))
random.seed(2024)
print(random.random(), random.randrange(10**9), random.sample(range(50), 5))
print(len(str(1 << 10000)))
try:
    locale.setlocale(locale.LC_ALL, "xx_YY.UTF-8")
except locale.Error as error:
    print(error)
print(int("9" * 5000))
