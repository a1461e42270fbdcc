// Pins: a write to a nil map panics with status 2 after the deferred calls ran.
package main

import "fmt"

func main() {
	defer fmt.Println("deferred")
	var m map[string]int
	fmt.Println(m["absent"], len(m))
	m["k"] = 1
}
