// Pins: fmt.Fscan over numbers and words and its error on a bad token.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	var n int
	fmt.Fscan(in, &n)
	sum := 0.0
	for i := 0; i < n; i++ {
		var x float64
		fmt.Fscan(in, &x)
		sum += x
	}
	fmt.Println(n, sum)
	var word string
	var h int
	fmt.Fscanf(in, "\n%s %x\n", &word, &h)
	fmt.Println(word, h)
	_, err := fmt.Fscan(in, &n)
	fmt.Println("error:", err)
	os.Exit(n)
}
