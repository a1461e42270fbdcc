// Pins: SIGKILL to oneself is a death by signal 9 and not mistaken for a memory or time limit.
package main

import (
	"fmt"
	"syscall"
	"time"
)

func main() {
	fmt.Print("before, no newline")
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	time.Sleep(5 * time.Second)
}
