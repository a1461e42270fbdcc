#include <iostream>
#include <unistd.h>

int main() {
    std::ios::sync_with_stdio(false);
    std::cout << "lost\n";
    _exit(5);
}
