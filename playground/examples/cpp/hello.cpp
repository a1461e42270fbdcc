#include <iostream>

int main() {
  std::cout << "Hello from a sealed sandbox!\n";
  std::cout << "C++ of " << __cplusplus << ", compiled by " << __VERSION__ << '\n';
}
