// Pins: builtin print and println write to stderr in the runtime's own notation.
package main

import "fmt"

func main() {
	println("text", 42, -7, true, 'x', 1.5, -0.0, 1e100, 2i)
	print("no", "spaces", 1, 2, "\n")
	fmt.Println("stdout only this")
	var e error
	println(e == nil, uint8(200), int64(-1)<<62)
}
