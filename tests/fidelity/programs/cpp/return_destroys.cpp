#include <iostream>

struct Loud {
    const char *name;
    ~Loud() { std::cout << "~" << name << '\n'; }
};
Loud global{"global"};

int main() {
    static Loud stays{"static"};
    Loud local{"local"};
    return 2;
}
