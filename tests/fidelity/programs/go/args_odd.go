// Pins: arguments arrive unchanged: spaces, empty, unicode, dashes, newline, quotes, glob and shell characters.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println(len(os.Args) - 1)
	for i, a := range os.Args[1:] {
		fmt.Printf("%d %q %d\n", i, a, len(a))
	}
}
