#include <cstdlib>
#include <iostream>

int main() {
    for (auto name : {"PLAIN", "EMPTY", "ABSENT", "HOME"}) {
        const char *value = std::getenv(name);
        std::cout << name << '=' << (value ? value : "(none)") << '\n';
    }
}
