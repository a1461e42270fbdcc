"""The programs in Go."""

from tests.conformance.programs import Programs

KILL = """\
package main

import (
	"os"
	"syscall"
	"time"
)

func main() {{
	os.Stdout.WriteString("before\\n")
	syscall.Kill(os.Getpid(), syscall.{name})
	time.Sleep(time.Hour)
}}
"""

# Go's runtime turns a segmentation fault into a panic of its own, so another program dies of it.
EXEC = """\
package main

import (
	"os"
	"syscall"
)

func main() {{
	os.Stdout.WriteString("before\\n")
	syscall.Exec("/bin/sh", []string{{"sh", "-c", "kill -{short} $$"}}, os.Environ())
}}
"""

PROGRAMS = Programs(
    language="go",
    names=("go", "golang"),
    compiles=True,
    start=2.0,
    hello="""\
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("Hello, World!")
	fmt.Fprintln(os.Stderr, "a word")
}
""",
    exit="""\
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	fmt.Println("before")
	code, _ := strconv.Atoi(os.Args[1])
	os.Exit(code)
}
""",
    signals={
        "SIGTERM": KILL.format(name="SIGTERM"),
        "SIGKILL": KILL.format(name="SIGKILL"),
        "SIGSEGV": EXEC.format(short="SEGV"),
        "SIGABRT": EXEC.format(short="ABRT"),
    },
    broken='package main\n\nfunc main() {\n\tvar number int = "text"\n}\n',
    complaint="main.go:4",
    complain="""\
package main

import "os"

func main() {
	words, _ := os.ReadFile("words.txt")
	os.Stderr.Write(words)
	os.Exit(1)
}
""",
    hang="""\
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, "waiting")
	for {
		time.Sleep(time.Second)
	}
}
""",
    hog="""\
package main

import "fmt"

var hoard [][]byte

func main() {
	fmt.Println("ready")
	for {
		block := make([]byte, 1<<20)
		for i := range block {
			block[i] = 'x'
		}
		hoard = append(hoard, block)
	}
}
""",
    touch="""\
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	size, _ := strconv.Atoi(os.Args[1])
	hoard := make([]byte, size<<20)
	for i := range hoard {
		hoard[i] = 'x'
	}
	if hoard[len(hoard)-1] == 'x' {
		fmt.Println("done")
	}
}
""",
    flood="""\
package main

import (
	"bytes"
	"os"
	"strconv"
)

func main() {
	file := map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}[os.Args[1]]
	left, _ := strconv.Atoi(os.Args[2])
	block := bytes.Repeat([]byte("0123456789"), 100)
	for left > 0 {
		size := left % 1000
		if size == 0 {
			size = 1000
		}
		file.Write(block[:size])
		left -= size
	}
}
""",
    busy="""\
package main

import (
	"fmt"
	"syscall"
)

func used() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func main() {
	for used() < 1_000_000_000 {
	}
	fmt.Println("done")
}
""",
    cat="""\
package main

import (
	"io"
	"os"
)

func main() {
	io.Copy(os.Stdout, os.Stdin)
}
""",
    words="""\
package main

import "os"

func main() {
	for _, word := range os.Args[1:] {
		os.Stdout.WriteString(word + "\\x00")
	}
}
""",
    variable="""\
package main

import "os"

func main() {
	os.Stdout.WriteString(os.Getenv(os.Args[1]))
}
""",
    split="""\
package main

import (
	"bufio"
	"os"
)

func main() {
	os.Stdout.Write([]byte{0xc3})
	bufio.NewReader(os.Stdin).ReadString('\\n')
	os.Stdout.Write([]byte{0xa9, '\\n'})
}
""",
    talk="""\
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println("got", lines.Text())
	}
}
""",
    clock="""\
package main

import (
	"fmt"
	"os"
	"time"
)

func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

func main() {
	pause, _ := time.ParseDuration(os.Args[1] + "s")
	fmt.Printf("%f\\n", now())
	time.Sleep(pause)
	fmt.Printf("%f\\n", now())
}
""",
    write="""\
package main

import "os"

func main() {
	os.MkdirAll("out/deep", 0o755)
	os.WriteFile("top.txt", []byte("top\\n"), 0o644)
	os.WriteFile("out/text.txt", []byte("text\\n"), 0o644)
	data := make([]byte, 256)
	for i := range data {
		data[i] = byte(i)
	}
	os.WriteFile("out/deep/bytes.bin", data, 0o644)
	os.Symlink("/etc/passwd", "out/link.txt")
	os.Exit(3)
}
""",
    project={
        "go.mod": "module example.com/project\n\ngo 1.21\n",
        "main.go": (
            "package main\n\n"
            'import (\n\t"fmt"\n\n\t"example.com/project/parts"\n)\n\n'
            "func main() { fmt.Println(parts.Phrase(noun())) }\n"
        ),
        "noun.go": (
            "package main\n\n"
            'import (\n\t_ "embed"\n\t"strings"\n)\n\n'
            "//go:embed data/noun.txt\nvar text string\n\n"
            "func noun() string { return strings.TrimSpace(text) }\n"
        ),
        "parts/words.go": (
            'package parts\n\nfunc Phrase(noun string) string { return "whole " + noun }\n'
        ),
        "data/noun.txt": "project\n",
        "tools/other.go": b'package main\n\nfunc main() { print("other entry\\n") }\n',
    },
    other_entry="tools/other.go",
)
