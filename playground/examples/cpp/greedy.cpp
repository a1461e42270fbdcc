// Takes memory until the limit ends it. The host does not notice.
#include <iostream>
#include <vector>

int main() {
  std::vector<std::vector<char>> taken;
  while (true) {
    taken.emplace_back(8 << 20, 'x');
    std::cout << taken.size() * 8 << " MiB" << std::endl;
  }
}
