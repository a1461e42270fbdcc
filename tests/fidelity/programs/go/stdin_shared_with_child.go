// Pins: a child inherits stdin's offset: the program takes the first line, cat the rest.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	var line []byte
	b := make([]byte, 1)
	for {
		if n, err := os.Stdin.Read(b); n == 0 || err != nil || b[0] == '\n' {
			break
		}
		line = append(line, b[0])
	}
	fmt.Printf("mine: %s\n", line)
	cmd := exec.Command("cat")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	fmt.Println("child:", cmd.Run())
}
