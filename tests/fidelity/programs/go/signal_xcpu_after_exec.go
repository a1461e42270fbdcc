// Pins: a death by SIGXCPU that the program brought about itself.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	sh, _ := exec.LookPath("sh")
	err := syscall.Exec(sh, []string{"sh", "-c", "echo over the limit >&2; kill -XCPU $$"}, os.Environ())
	fmt.Println("exec failed:", err)
}
