// Pins: data left in a bufio.Writer is lost at os.Exit, what was flushed is kept, deferred calls do not run.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer fmt.Println("never printed")
	fmt.Fprintln(w, "flushed")
	w.Flush()
	fmt.Fprintln(w, "lost")
	os.Exit(3)
}
