// Pins: without input stdin is at EOF at once, and stays so.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	var b [10]byte
	for i := 0; i < 2; i++ {
		n, err := os.Stdin.Read(b[:])
		fmt.Println(n, err, err == io.EOF)
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	var x int
	k, err := fmt.Scanln(&x)
	fmt.Println(k, err)
}
