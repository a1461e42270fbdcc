// Pins: SIGTERM to oneself without a handler is a death by signal 15, stdout before it kept.
package main

import (
	"fmt"
	"syscall"
	"time"
)

func main() {
	defer fmt.Println("never")
	fmt.Println("before")
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
	time.Sleep(5 * time.Second)
}
