#include <cstdlib>
#include <iostream>

struct Loud {
    ~Loud() { std::cout << "destroyed\n"; }
} global;

int main() {
    Loud local;
    std::exit(44);
}
