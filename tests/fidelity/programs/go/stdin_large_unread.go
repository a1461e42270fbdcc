// Pins: a program that reads one byte of a large stdin and leaves is not held up by the rest.
package main

import (
	"fmt"
	"os"
)

func main() {
	b := make([]byte, 1)
	n, err := os.Stdin.Read(b)
	fmt.Println(n, err, string(b))
	os.Exit(1)
}
