// Takes arguments and writes a file, which comes back.
#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv) {
  std::ofstream report("report.csv");
  int total = 0;
  report << "fruit,count\n";
  for (int i = 1; i < argc; i++) {
    std::string word = argv[i];
    auto at = word.find('=');
    report << word.substr(0, at) << ',' << word.substr(at + 1) << '\n';
    total += std::stoi(word.substr(at + 1));
  }
  std::cout << argc - 1 << " kinds of fruit, " << total << " pieces; see report.csv\n";
}
