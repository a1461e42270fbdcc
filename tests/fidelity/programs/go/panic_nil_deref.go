// Pins: a nil pointer read is a Go panic (status 2, not SIGSEGV), with the signal line on stderr.
package main

import "fmt"

type node struct {
	pad  [4]int
	next *node
}

func main() {
	n := &node{}
	fmt.Println("walking")
	for n.next == nil || n != nil {
		n = n.next
	}
}
