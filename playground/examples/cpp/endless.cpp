// Ends at its time limit, or when you press Stop.
#include <chrono>
#include <iostream>
#include <thread>

int main() {
  using namespace std::chrono_literals;
  for (int tick = 1;; tick++) {
    std::cout << "tick " << tick << std::endl;
    std::this_thread::sleep_for(250ms);
  }
}
