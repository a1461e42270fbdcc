#include <iostream>
#include <string>

int main() {
    int number;
    while (std::cin >> number) std::cout << number << '\n';
    std::cout << std::cin.eof() << std::cin.fail() << '\n';
    std::cin.clear();
    std::string rest;
    std::getline(std::cin, rest);
    std::cout << rest << '\n';
}
