// Pins: the Go runtime swallows SIGUSR1, SIGXCPU and SIGCHLD that nobody asked for; the program goes on.
package main

import (
	"fmt"
	"syscall"
	"time"
)

func main() {
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGXCPU, syscall.SIGCHLD, syscall.SIGWINCH, syscall.SIGALRM} {
		fmt.Println(s, syscall.Kill(syscall.Getpid(), s))
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("alive")
}
