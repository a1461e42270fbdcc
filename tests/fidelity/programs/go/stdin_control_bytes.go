// Pins: NUL, ^C, ^D, ^Z and escape bytes on stdin are data, not control.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	b, err := io.ReadAll(os.Stdin)
	fmt.Printf("%d bytes, %v\n% x\n", len(b), err, b)
	os.Stdout.Write(b)
}
