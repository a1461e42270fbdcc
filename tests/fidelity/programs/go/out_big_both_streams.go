// Pins: 90 KB on stdout and 90 KB on stderr written in turns block neither stream.
package main

import (
	"os"
	"strings"
)

func main() {
	for i := 0; i < 90; i++ {
		c := string(rune('A' + i%26))
		os.Stdout.WriteString(strings.Repeat(c, 1023) + "\n")
		os.Stderr.WriteString(strings.Repeat(strings.ToLower(c), 1023) + "\n")
	}
}
