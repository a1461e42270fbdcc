// Pins: stdin line by line: empty lines, CRLF, a last line without newline, then EOF.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	sc := bufio.NewScanner(os.Stdin)
	n := 0
	for sc.Scan() {
		n++
		fmt.Printf("%d %q\n", n, sc.Text())
	}
	fmt.Println("lines", n, "error", sc.Err())
}
