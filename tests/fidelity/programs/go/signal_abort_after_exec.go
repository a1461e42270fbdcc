// Pins: the process replaces itself by a shell that dies of SIGABRT.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	fmt.Println("go part")
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	sh, err := exec.LookPath("sh")
	if err != nil {
		panic(err)
	}
	err = syscall.Exec(sh, []string{"sh", "-c", "echo shell part; kill -ABRT $$; echo never"}, os.Environ())
	fmt.Println("exec failed:", err)
}
