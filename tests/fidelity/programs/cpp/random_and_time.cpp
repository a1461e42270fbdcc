#include <chrono>
#include <iostream>
#include <random>

int main() {
    std::mt19937_64 random(42);
    std::cout << random() << ' ' << std::uniform_int_distribution<>(1, 6)(random) << ' '
              << std::normal_distribution<>()(random) << '\n';
    std::random_device device;
    std::cout << (device() != device() || device() != device()) << '\n';
    using namespace std::chrono_literals;
    auto before = std::chrono::steady_clock::now();
    std::cout << (std::chrono::steady_clock::now() - before < 60s) << (90min).count() << '\n';
}
