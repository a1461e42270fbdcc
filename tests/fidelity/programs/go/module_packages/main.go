// Pins: a module with local packages, an internal package and package initialisation in dependency order.
package main

import (
	"fmt"
	"os"

	"example.com/fidelity/internal/trace"
	"example.com/fidelity/shape"
)

var first = trace.Note("main variable")

func init() { trace.Note("main init") }

func main() {
	for _, s := range []shape.Shape{shape.Square{Side: 3}, &shape.Rect{W: 2, H: 4.5}} {
		fmt.Printf("%v %.2f %T\n", s, s.Area(), s)
	}
	fmt.Println(first, trace.Notes)
	if len(trace.Notes) != 4 {
		os.Exit(1)
	}
}
