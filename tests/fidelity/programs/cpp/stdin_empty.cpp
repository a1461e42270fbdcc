#include <iostream>
#include <string>

int main() {
    std::string line;
    std::cout << bool(std::getline(std::cin, line)) << std::cin.eof() << '\n';
}
