#include <iostream>
#include <stdexcept>

int main() {
    std::cout << "before\n";
    throw std::out_of_range("too far");
}
