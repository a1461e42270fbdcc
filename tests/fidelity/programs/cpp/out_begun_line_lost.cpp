#include <cstdlib>
#include <iostream>

int main() {
    std::cout << "a line\nand a begun one";
    std::_Exit(6);
}
