#include <iostream>

int main() {
    for (int i = 0; i < 500; i++) {
        std::cout << "out " << i << '\n';
        std::cerr << "err " << i << '\n';
        std::clog << "log " << i << std::endl;
    }
}
