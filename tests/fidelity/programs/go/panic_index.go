// Pins: index out of range ends with status 2, its trace on stderr and earlier stdout kept.
package main

import "fmt"

//go:noinline
func length() int { return 3 }

func main() {
	fmt.Println("before")
	s := make([]int, length())
	for i := 0; i <= length(); i++ {
		s[i] = i
	}
	fmt.Println("never")
}
