// Pins: a write to a stdout whose reader is gone kills by SIGPIPE; on another descriptor it is just EPIPE.
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func main() {
	r, w, _ := os.Pipe()
	r.Close()
	_, err := w.Write([]byte("x"))
	fmt.Println("plain descriptor:", errors.Is(err, syscall.EPIPE))
	syscall.Dup3(int(w.Fd()), 1, 0)
	_, err = os.Stdout.Write([]byte("y"))
	fmt.Fprintln(os.Stderr, "never", err)
}
