// Pins: signal.Notify catches SIGTERM, SIGUSR1 and SIGINT sent to oneself; after Reset SIGTERM kills.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGUSR1, os.Interrupt)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGINT} {
		syscall.Kill(syscall.Getpid(), s)
		fmt.Println("caught", <-c)
	}
	signal.Ignore(syscall.SIGHUP)
	syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
	fmt.Println("hangup ignored", signal.Ignored(syscall.SIGHUP))
	signal.Reset(syscall.SIGTERM)
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
	time.Sleep(5 * time.Second)
	fmt.Println("never")
}
