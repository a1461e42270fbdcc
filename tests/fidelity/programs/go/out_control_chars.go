// Pins: ANSI colours, NUL, CR, backspace, bell and tabs are not interpreted or stripped.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\x07\n")
	fmt.Print("a\x00b\x00\x00c\r\nover\rwritten\b\b\tq\v\f\n\n\r\n")
	fmt.Fprint(os.Stderr, "\x1b[1;33mwarn\x1b[m\x00\x7f\x04\x1a\r\n")
}
