#include <iostream>
#include <string>
#include <vector>

int main(int argc, char **argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    for (auto &word : words) std::cout << word.size() << " [" << word << "]\n";
}
