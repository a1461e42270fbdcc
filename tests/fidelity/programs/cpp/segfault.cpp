#include <iostream>

int main() {
    int *volatile nowhere = nullptr;
    std::cout << "before\n";
    *nowhere = 1;
}
