#include <iostream>
#include <stdexcept>
#include <thread>

int main() {
    std::thread([] { throw std::runtime_error("in a thread"); }).join();
}
