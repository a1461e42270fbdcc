// Pins: an endless recursion over a small stack limit is a fatal error with status 2 that recover cannot catch.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
)

func down(n int) int { return down(n+1) + 1 }

func main() {
	if len(os.Args) > 1 {
		defer func() { recover(); fmt.Println("never") }()
		debug.SetMaxStack(1 << 20)
		fmt.Println(down(0))
	}
	self, _ := os.Executable()
	out, err := exec.Command(self, "child").CombinedOutput()
	lines := strings.Split(string(out), "\n")
	fmt.Println(lines[0], err)
	for _, l := range lines {
		if strings.HasPrefix(l, "fatal error:") {
			fmt.Println(l)
		}
	}
}
