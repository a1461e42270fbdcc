#include <iostream>
#include <string>

int main() {
    for (int i = 0; i < 256; i++) std::cout.put(char(i));
    std::cerr << std::string(3, '\0') << "\xff\xfe";
}
