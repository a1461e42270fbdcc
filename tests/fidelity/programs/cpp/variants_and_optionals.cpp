#include <any>
#include <iostream>
#include <optional>
#include <string>
#include <variant>

int main() {
    std::variant<int, std::string> either = "text";
    std::cout << std::visit([](auto &value) { return sizeof value; }, either) << either.index();
    try {
        std::get<int>(either);
    } catch (const std::bad_variant_access &error) {
        std::cout << error.what() << '\n';
    }
    std::optional<int> perhaps;
    std::any thing = 3.5;
    std::cout << perhaps.value_or(9) << std::any_cast<double>(thing) << '\n';
}
