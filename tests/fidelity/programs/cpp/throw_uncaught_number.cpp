#include <iostream>

int main() {
    std::cout << "before" << std::endl;
    throw 42;
}
