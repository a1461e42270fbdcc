#include <iostream>
#include <new>

int main() {
    try {
        volatile std::size_t much = std::size_t(1) << 60;
        std::cout << static_cast<void *>(new char[much]) << '\n';
    } catch (const std::bad_alloc &error) {
        std::cout << error.what() << '\n';
    }
}
