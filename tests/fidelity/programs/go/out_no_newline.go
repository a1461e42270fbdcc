// Pins: neither stream ends in a newline and none is added.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("first\n\nlast without newline")
	fmt.Fprint(os.Stderr, "error without newline")
}
