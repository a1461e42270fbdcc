"""The programs in C++."""

from tests.conformance.programs import Programs

KILL = """\
#include <csignal>
#include <iostream>
#include <unistd.h>

int main() {{
    std::cout << "before\\n";
    std::raise({name});
    for (;;) pause();
}}
"""

THROW = """\
#include <iostream>
#include <stdexcept>

int main() {
    std::cout << "before\\n";
    throw std::runtime_error("nobody catches it");
}
"""

SEGFAULT = """\
#include <iostream>
#include <vector>

int main(int argc, char **) {
    std::cout << "before\\n";
    std::vector<int> *volatile nothing = nullptr;
    nothing->push_back(argc);
}
"""

PROGRAMS = Programs(
    language="cpp",
    names=("cpp", "c++", "cc"),
    compiles=True,
    start=2.0,
    hello="""\
#include <iostream>

int main() {
    std::cout << "Hello, World!" << std::endl;
    std::cerr << "a word" << std::endl;
}
""",
    exit="""\
#include <cstdlib>
#include <iostream>

int main(int, char **argv) {
    std::cout << "before\\n";
    std::exit(std::atoi(argv[1]));
}
""",
    signals={
        **{name: KILL.format(name=name) for name in ("SIGTERM", "SIGKILL")},
        "SIGABRT": THROW,
        "SIGSEGV": SEGFAULT,
    },
    broken='#include <string>\nint main() {\n    int number = std::string("text");\n}\n',
    complaint="main.cpp:3",
    complain="""\
#include <fstream>
#include <iostream>

int main() {
    std::cerr << std::ifstream("words.txt").rdbuf();
    return 1;
}
""",
    hang="""\
#include <chrono>
#include <iostream>
#include <thread>

int main() {
    std::cout << "ready\\n";
    std::cerr << "waiting\\n";
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}
""",
    hog="""\
#include <iostream>
#include <vector>

int main() {
    std::cout << "ready\\n";
    std::vector<std::vector<char>> hoard;
    for (;;) hoard.emplace_back(1 << 20, 'x');
}
""",
    touch="""\
#include <iostream>
#include <string>

int main(int, char **argv) {
    std::string hoard(std::stoul(argv[1]) << 20, 'x');
    if (hoard.back() == 'x') std::cout << "done\\n";
}
""",
    flood="""\
#include <string>
#include <string_view>
#include <unistd.h>

int main(int, char **argv) {
    int fd = std::string_view(argv[1]) == "stdout" ? 1 : 2;
    std::string block;
    for (int i = 0; i < 100; i++) block += "0123456789";
    for (long left = std::stol(argv[2]); left;) {
        left -= write(fd, block.data(), left % 1000 ? left % 1000 : 1000);
    }
}
""",
    busy="""\
#include <ctime>
#include <iostream>

int main() {
    while (std::clock() < CLOCKS_PER_SEC) {
    }
    std::cout << "done\\n";
}
""",
    cat="""\
#include <iostream>

int main() {
    if (std::cin.peek() != EOF) std::cout << std::cin.rdbuf();
}
""",
    words="""\
#include <iostream>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) std::cout << argv[i] << '\\0';
}
""",
    variable="""\
#include <cstdlib>
#include <iostream>

int main(int, char **argv) { std::cout << std::getenv(argv[1]); }
""",
    split="""\
#include <iostream>
#include <string>

int main() {
    std::string line;
    std::cout << '\\xc3' << std::flush;
    std::getline(std::cin, line);
    std::cout << "\\xa9\\n";
}
""",
    talk="""\
#include <iostream>
#include <string>

int main() {
    std::cout << "ready\\n";
    for (std::string line; std::getline(std::cin, line);) std::cout << "got " << line << '\\n';
}
""",
    clock="""\
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

static void tell() {
    std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    std::printf("%.6f\\n", now.count());
}

int main(int, char **argv) {
    tell();
    std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(argv[1])));
    tell();
}
""",
    write="""\
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

int main() {
    fs::create_directories("out/deep");
    std::ofstream("top.txt") << "top\\n";
    std::ofstream("out/text.txt") << "text\\n";
    std::ofstream bytes("out/deep/bytes.bin", std::ios::binary);
    for (int i = 0; i < 256; i++) bytes.put(char(i));
    fs::create_symlink("/etc/passwd", "out/link.txt");
    return 3;
}
""",
    project={
        "main.cpp": (
            '#include <iostream>\n\n#include "noun.hpp"\n#include <parts/words.hpp>\n\n'
            'extern "C" const char *blank(void);\n\n'
            "int main() { std::cout << whole() << blank() << noun() << std::endl; }\n"
        ),
        "noun.hpp": "#pragma once\n#include <string>\nstd::string noun();\n",
        "noun.cc": (
            '#include "noun.hpp"\n#include <fstream>\n\n'
            "std::string noun() {\n    std::string word;\n"
            '    std::ifstream("data/noun.txt") >> word;\n    return word;\n}\n'
        ),
        "parts/words.hpp": b"const char *whole();\n",
        "parts/words.cpp": '#include "words.hpp"\n\nconst char *whole() { return "whole"; }\n',
        "parts/blank.c": 'const char *blank(void) { char *class = " "; return class; }\n',
        "data/noun.txt": "project\n",
        "tools/other.cpp": (
            b'#include <iostream>\n#include "noun.hpp"\n\n'
            b'int main() { std::cout << (noun().empty() ? "" : "other entry\\n"); }\n'
        ),
    },
    other_entry="tools/other.cpp",
)
