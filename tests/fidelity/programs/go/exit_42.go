// Pins: os.Exit(42) is an exit status, with output on both streams kept.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("leaving with 42")
	fmt.Fprintln(os.Stderr, "bye")
	os.Exit(42)
}
