"""A Go program that is built without the go command is what the go command makes of it."""

from __future__ import annotations

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, ResourceLimits

pytestmark = pytest.mark.promise("SPEED-20")

MIB = 1 << 20

TWIN = r"""
package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
)

func sections(path string) map[string][]byte {
	file, err := elf.Open(path)
	if err != nil {
		panic(err)
	}
	found := map[string][]byte{}
	for _, section := range file.Sections {
		if data, err := section.Data(); err == nil {
			found[section.Name] = data
		}
	}
	return found
}

func main() {
	run := exec.Command("go", "run", "-exec", `sh -c 'cp "$0" /tmp/theirs'`, "./b.go", "./main.go")
	run.Env = append(os.Environ(), "CGO_ENABLED=0", "GOENV=off", "GOFLAGS=-buildvcs=false",
		"GOPATH=/tmp/gopath", "GOPROXY=off", "GOTELEMETRY=off", "GOTOOLCHAIN=local",
		"GOCACHE=/opt/go-cache", "GOMEMLIMIT=off", "TZ=UTC")
	if said, err := run.CombinedOutput(); err != nil {
		fmt.Println(string(said), err)
		return
	}
	ours, theirs := sections("/proc/self/exe"), sections("/tmp/theirs")
	for name, data := range theirs {
		same := bytes.Equal(data, ours[name])
		if !same {
			fmt.Println(name, "differs", len(data), len(ours[name]))
		}
	}
	fmt.Println(len(ours) == len(theirs), runtime.Version() != "", shared())
	info, ok := debug.ReadBuildInfo()
	fmt.Println(ok, info.Path, info.GoVersion == runtime.Version())
	entries, _ := os.ReadDir("/build")
	for _, entry := range entries {
		fmt.Println(entry.Name())
	}
}
"""

MORE = 'package main\n\nimport "strings"\n\nfunc shared() string { return strings.ToUpper("b") }\n'

LARGE = ResourceLimits(memory=1024 * MIB, pids=512, disk=256 * MIB, cpus=2.0, open_files=1024)


def go(
    executor: CodeExecutor, isolation: Isolation, code: str, **fields: object
) -> ExecutionResult:
    return executor.execute(
        ExecutionRequest("go", code, isolation=isolation.name, timeout=60.0, **fields)  # type: ignore[arg-type]
    )


def test_it_is_byte_for_byte_what_go_run_makes(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    result = go(executor, isolation, TWIN, files={"b.go": MORE}, limits=LARGE)
    assert result.status == "success", result
    lines = result.stdout.splitlines()
    differing = [line.split()[0] for line in lines if "differs" in line]
    assert set(differing) <= {".note.go.buildid", ".note.gnu.build-id"}, result.stdout
    assert lines[-3:] == ["true true B", "true command-line-arguments true", "main"]


def test_a_plain_program_is_built_without_the_go_command(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    result = go(executor, isolation, 'package main\n\nfunc main() { print("x") }\n')
    assert (result.status, result.stderr) == ("success", "x")
    slow = go(
        executor, isolation, '// +build linux\n\npackage main\n\nfunc main() { print("x") }\n'
    )
    assert (slow.status, slow.stderr) == ("success", "x")
    cpu = [item.phases[0].cpu_time or 0.0 for item in (result, slow)]
    assert 0 < cpu[0] < cpu[1]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ('package main\n\nimport "os"\n\nfunc main() {}\n', '"os" imported and not used'),
        ('package main\n\nimport "internal/abi"\n\nfunc main() { _ = abi.Name{} }\n', "internal"),
        ('package main\n\nimport _ "vendor/golang.org/x/net/idna"\n\nfunc main() {}\n', "vendor"),
        ('package main\n\nimport _ "golang.org/x/net/idna"\n\nfunc main() {}\n', "golang.org"),
        ('package main\n\nimport _ "./sub"\n\nfunc main() {}\n', "sub"),
        ("package main\n\nfunc main() { x := 1 }\n", "./main.go:3:15: declared and not used: x"),
        ("package main\n\nfunc Main() {}\n", "function main is undeclared"),
        ("package main\n", "function main is undeclared"),
        ("package other\n\nfunc main() {}\n", "is not a main package"),
        ("packag main\n", "expected 'package'"),
        ("", "expected 'package'"),
        ("package main\n\nfunc main()\n", "missing function body"),
        ("package main\n\n//go:embed x\nvar x string\n\nfunc main() {}\n", "embed"),
        ('package main\n\nimport "C"\n\nfunc main() {}\n', "no Go source files"),
    ],
)
def test_errors_are_the_go_command_s(
    executor: CodeExecutor, isolation: Isolation, code: str, word: str
) -> None:
    result = go(executor, isolation, code)
    assert result.status == "compile_error", result
    assert word in result.stderr
    assert "/build" not in result.stderr
    assert result.stdout == ""


def test_files_to_embed_are_embedded(executor: CodeExecutor, isolation: Isolation) -> None:
    code = (
        'package main\n\nimport _ "embed"\n\n//go:embed x.txt\nvar x string\n\n'
        "func main() { print(x) }\n"
    )
    assert go(executor, isolation, code, files={"x.txt": "text"}).stderr == "text"
