#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>

int main() {
    std::string text = "the quick brown fox";
    std::string_view view = text;
    view.remove_prefix(4);
    std::cout << view.substr(0, 5) << view.find("fox") << text.rfind("o") << '\n';
    std::cout << std::quoted("a \"b\"") << std::setw(8) << std::left << 3.14159 << '|'
              << std::hex << std::showbase << 255 << std::dec << ' ' << std::fixed
              << std::setprecision(2) << 2.0 / 3 << '\n';
    std::stringstream stream("1,2;3");
    int a, b;
    char c;
    stream >> a >> c >> b;
    std::cout << a + b << c << std::to_string(1e10) << std::boolalpha << true << '\n';
    std::cout << sizeof(u"☃") << u'☃' % 7 << '\n';
}
