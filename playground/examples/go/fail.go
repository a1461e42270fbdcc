// What goes to stderr is marked; the exit code is told as it is.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("This line goes to stdout.")
	fmt.Fprintln(os.Stderr, "\x1b[1;33mWarning:\x1b[0m this goes to stderr.")
	fmt.Println("And this one to stdout again.")
	os.Exit(3)
}
