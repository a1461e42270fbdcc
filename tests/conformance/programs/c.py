"""The programs in C."""

from tests.conformance.programs import Programs

KILL = """\
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {{
    puts("before");
    raise({name});
    for (;;) pause();
}}
"""

SEGFAULT = """\
#include <stdio.h>

int main(int argc, char **argv) {
    puts("before");
    volatile int *nowhere = (int *)(argc - 1L);
    return *nowhere;
}
"""

ABORT = """\
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    puts("before");
    abort();
}
"""

OVERFLOW = """\
#include <stdio.h>

static int down(volatile char *above) {
    volatile char block[4096];
    block[0] = above[0];
    return down(block) + block[0];
}

int main(void) {
    puts("before");
    return down("x");
}
"""

PROGRAMS = Programs(
    language="c",
    names=("c", "gcc"),
    compiles=True,
    start=2.0,
    hello="""\
#include <stdio.h>

int main(void) {
    printf("Hello, World!\\n");
    fprintf(stderr, "a word\\n");
}
""",
    exit="""\
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    puts("before");
    return atoi(argv[1]);
}
""",
    signals={
        **{name: KILL.format(name=name) for name in ("SIGTERM", "SIGKILL", "SIGFPE", "SIGXCPU")},
        "SIGABRT": ABORT,
        "SIGSEGV": SEGFAULT,
        "SIGBUS": KILL.format(name="SIGBUS"),
    },
    broken='int main(void) {\n    int number = "text" + ;\n}\n',
    complaint="main.c:2",
    complain="""\
#include <stdio.h>

int main(void) {
    FILE *words = fopen("words.txt", "r");
    for (int c; (c = getc(words)) != EOF;) putc(c, stderr);
    return 1;
}
""",
    hang="""\
#include <stdio.h>
#include <unistd.h>

int main(void) {
    printf("ready\\n");
    fprintf(stderr, "waiting\\n");
    for (;;) sleep(1);
}
""",
    hog="""\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    puts("ready");
    for (;;) memset(malloc(1 << 20), 'x', 1 << 20);
}
""",
    touch="""\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    size_t size = (size_t)atoi(argv[1]) << 20;
    volatile char *hoard = malloc(size);
    memset((char *)hoard, 'x', size);
    if (hoard[size - 1] == 'x') puts("done");
}
""",
    flood="""\
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int fd = strcmp(argv[1], "stdout") ? 2 : 1;
    long left = atol(argv[2]);
    char block[1000];
    for (int i = 0; i < 1000; i++) block[i] = '0' + i % 10;
    while (left) {
        long size = left % 1000 ? left % 1000 : 1000;
        left -= write(fd, block, size);
    }
}
""",
    busy="""\
#include <stdio.h>
#include <time.h>

int main(void) {
    while (clock() < CLOCKS_PER_SEC) {
    }
    puts("done");
}
""",
    cat="""\
#include <stdio.h>

int main(void) {
    static char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, stdin));) fwrite(block, 1, n, stdout);
}
""",
    words="""\
#include <stdio.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        fputs(argv[i], stdout);
        putchar(0);
    }
}
""",
    variable="""\
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) { fputs(getenv(argv[1]), stdout); }
""",
    split="""\
#include <stdio.h>
#include <unistd.h>

static int say(const char *text, int size) { return write(1, text, size) == size; }

int main(void) {
    say("\\xc3", 1);
    while (getchar() != '\\n') {
    }
    return !say("\\xa9\\n", 2);
}
""",
    talk="""\
#include <stdio.h>
#include <string.h>

int main(void) {
    char line[4096];
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\\n")] = 0;
        printf("got %s\\n", line);
    }
}
""",
    clock="""\
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void tell(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%ld.%06ld\\n", (long)now.tv_sec, now.tv_nsec / 1000);
}

int main(int argc, char **argv) {
    tell();
    usleep(atof(argv[1]) * 1e6);
    tell();
}
""",
    write="""\
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

int main(void) {
    mkdir("out", 0755);
    mkdir("out/deep", 0755);
    put("top.txt", "top\\n");
    put("out/text.txt", "text\\n");
    FILE *bytes = fopen("out/deep/bytes.bin", "wb");
    for (int i = 0; i < 256; i++) putc(i, bytes);
    fclose(bytes);
    return symlink("/etc/passwd", "out/link.txt") ? 4 : 3;
}
""",
    project={
        "main.c": (
            '#include <stdio.h>\n\n#include "noun.h"\n#include <parts/words.h>\n\n'
            'int main(void) {\n    printf("%s %s\\n", whole(), noun());\n}\n'
        ),
        "noun.h": "const char *noun(void);\n",
        "noun.c": (
            '#include "noun.h"\n#include <stdio.h>\n#include <string.h>\n\n'
            "const char *noun(void) {\n    static char text[99];\n"
            '    FILE *file = fopen("data/noun.txt", "r");\n'
            "    if (!fgets(text, 99, file)) return 0;\n"
            '    text[strcspn(text, "\\n")] = 0;\n    return text;\n}\n'
        ),
        "parts/words.h": b"const char *whole(void);\n",
        "parts/words.c": '#include "words.h"\n\nconst char *whole(void) { return "whole"; }\n',
        "data/noun.txt": "project\n",
        "tools/other.c": (
            b'#include <stdio.h>\n#include "noun.h"\n\n'
            b'int main(void) {\n    puts(noun() ? "other entry" : "");\n}\n'
        ),
    },
    other_entry="tools/other.c",
)
