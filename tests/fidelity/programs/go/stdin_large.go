// Pins: stdin larger than a pipe's buffer arrives whole, read in odd-sized pieces.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	h := sha256.New()
	buf := make([]byte, 777)
	total, lines := 0, 0
	for {
		n, err := io.ReadFull(os.Stdin, buf)
		h.Write(buf[:n])
		total += n
		for _, c := range buf[:n] {
			if c == '\n' {
				lines++
			}
		}
		if err != nil {
			fmt.Println(err)
			break
		}
	}
	fmt.Printf("%d bytes %d lines %x\n", total, lines, h.Sum(nil))
}
