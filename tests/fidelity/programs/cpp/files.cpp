#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace fs = std::filesystem;

int main() {
    fs::create_directories("d/e");
    std::ofstream("d/e/f.txt") << "line 1\nline 2\n";
    std::ifstream in("d/e/f.txt");
    std::string line;
    while (std::getline(in, line)) std::cout << line << '\n';
    for (auto &entry : fs::recursive_directory_iterator("d")) std::cout << entry.path() << '\n';
    std::cout << fs::file_size("d/e/f.txt") << fs::exists("g") << fs::remove_all("d") << '\n';
    try {
        fs::file_size("none");
    } catch (const fs::filesystem_error &error) {
        std::cout << error.what() << '\n';
    }
    std::cout << fs::current_path() << std::ifstream("/etc/shadow").good() << '\n';
}
