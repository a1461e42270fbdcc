#define _GLIBCXX_DEBUG
#include <iostream>
#include <vector>

int main() {
    std::cout << sizeof(std::vector<int>) << ' ' << sizeof(std::vector<int>::iterator) << std::endl;
}
