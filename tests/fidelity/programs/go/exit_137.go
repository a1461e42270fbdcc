// Pins: os.Exit(137) is an exit status, with output on both streams kept.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("leaving with 137")
	fmt.Fprintln(os.Stderr, "bye")
	os.Exit(137)
}
