// Type into the line below the output while this runs.
#include <algorithm>
#include <iostream>
#include <string>

int main() {
  std::string name;
  int count = 0;
  std::cout << "What is your name? " << std::flush;
  std::getline(std::cin, name);
  std::cout << "How often shall I greet you, " << name << "? " << std::flush;
  std::cin >> count;
  for (int n = 1; n <= std::min(count, 10); n++) {
    std::cout << n << ". Hello, " << name << "!\n";
  }
}
