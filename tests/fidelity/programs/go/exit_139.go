// Pins: os.Exit(139) is an exit status, with output on both streams kept.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("leaving with 139")
	fmt.Fprintln(os.Stderr, "bye")
	os.Exit(139)
}
