#include <clocale>
#include <iostream>

int main() {
    std::setlocale(LC_ALL, "");
    std::wcout << L"wide é ☃" << std::endl;
    std::wcout << 3.5 << L'!' << std::endl;
}
