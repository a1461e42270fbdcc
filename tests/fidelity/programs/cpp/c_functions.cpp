#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

int main() {
    std::printf("%s %d\n", "printed", 5);
    std::cout << "streamed\n";
    std::fprintf(stderr, "%.3f\n", std::sqrt(2.0));
    char text[8];
    std::snprintf(text, sizeof text, "%05d", 42);
    std::cout << std::strlen(text) << text << std::abs(-3.5) << '\n';
    return std::system("echo shell; exit 3") >> 8;
}
