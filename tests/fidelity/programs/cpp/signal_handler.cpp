#include <csignal>
#include <iostream>

static volatile std::sig_atomic_t seen;

int main() {
    std::signal(SIGTERM, [](int number) { seen = number; });
    std::raise(SIGTERM);
    std::cout << seen << '\n';
    std::signal(SIGTERM, SIG_DFL);
    std::raise(SIGTERM);
}
