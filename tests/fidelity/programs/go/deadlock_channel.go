// Pins: the runtime finds the deadlock ('all goroutines are asleep') and leaves with 2.
package main

import "fmt"

func main() {
	fmt.Println("waiting")
	c := make(chan int)
	fmt.Println(<-c)
}
