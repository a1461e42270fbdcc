// What goes to stderr is marked; the exit code says how it ended.
#include <iostream>

int main() {
  std::cout << "This line goes to stdout.\n";
  std::cerr << "\x1b[1;33mWarning:\x1b[0m this goes to stderr.\n";
  return 3;
}
