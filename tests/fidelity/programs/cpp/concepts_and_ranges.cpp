#include <algorithm>
#include <compare>
#include <concepts>
#include <iostream>
#include <ranges>
#include <span>
#include <vector>

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

auto twice(Number auto n) { return n * 2; }

int main() {
    std::vector v{1, 2, 3, 4, 5, 6};
    for (int n : v | std::views::filter([](int n) { return n % 2; }) | std::views::transform(twice<int>))
        std::cout << n << ' ';
    std::cout << twice(1.5) << ' ' << (1 <=> 2 < 0) << ' ' << std::ranges::max(v) << '\n';
    std::span<int> part(v.data() + 1, 2);
    std::cout << part.size() << part[0] << ' ' << __cplusplus << '\n';
}
