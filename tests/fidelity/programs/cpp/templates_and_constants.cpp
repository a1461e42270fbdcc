#include <iostream>

template <class... Ts> auto sum(Ts... values) { return (values + ... + 0); }
template <int n> struct Factorial { static constexpr long value = n * Factorial<n - 1>::value; };
template <> struct Factorial<0> { static constexpr long value = 1; };
constexpr bool is_prime(int n) {
    for (int i = 2; i * i <= n; i++)
        if (n % i == 0) return false;
    return n > 1;
}
static_assert(is_prime(97) && !is_prime(91));

int main() {
    std::cout << sum(1, 2, 3) << ' ' << Factorial<12>::value << '\n';
    auto show = [](auto &&...values) { ((std::cout << values << ' '), ...); };
    show(1, 'c', "text", 2.5);
    if constexpr (sizeof(void *) == 8) std::cout << "64\n";
}
