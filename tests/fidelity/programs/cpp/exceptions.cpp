#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

struct Own : std::runtime_error {
    using std::runtime_error::runtime_error;
};

static void deep(int n) {
    try {
        if (!n) throw Own("deep");
        deep(n - 1);
    } catch (const Own &error) {
        if (n == 2) std::throw_with_nested(std::logic_error("outer"));
        throw;
    }
}

int main() {
    try {
        deep(4);
    } catch (const std::exception &error) {
        std::cout << error.what() << '\n';
        try {
            std::rethrow_if_nested(error);
        } catch (const std::exception &inner) {
            std::cout << inner.what() << '\n';
        }
    }
    try {
        std::vector<int>(3).at(5);
    } catch (const std::out_of_range &error) {
        std::cout << error.what() << '\n';
    }
    try {
        std::stoi("x");
    } catch (const std::invalid_argument &error) {
        std::cout << error.what() << '\n';
    }
}
