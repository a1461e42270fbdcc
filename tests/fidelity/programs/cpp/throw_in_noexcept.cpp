#include <iostream>
#include <stdexcept>

static void quiet() noexcept { throw std::logic_error("no"); }

int main() {
    try {
        quiet();
    } catch (...) {
        std::cout << "never\n";
    }
}
