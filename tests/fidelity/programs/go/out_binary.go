// Pins: all 256 byte values pass both streams, invalid UTF-8 included.
package main

import "os"

func main() {
	up, down := make([]byte, 256), make([]byte, 256)
	for i := range up {
		up[i] = byte(i)
		down[255-i] = byte(i)
	}
	os.Stdout.Write(up)
	os.Stderr.Write(down)
	os.Stdout.Write([]byte{0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf5, 0xff, 0xfe})
}
