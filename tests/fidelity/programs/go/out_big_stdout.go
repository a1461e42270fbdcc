// Pins: 300 KB of stdout arrives complete and in order.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for i := 0; i < 6000; i++ {
		fmt.Fprintf(w, "line %05d %s\n", i, "abcdefghijklmnopqrstuvwxyz0123456789"[:i%36])
	}
	for i := 0; i < 140000; i++ {
		w.WriteByte(byte('a' + i%23))
	}
}
