// Pins: runtime.Goexit in main lets the others finish, then 'no goroutines' with status 2.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	start := make(chan bool)
	go func() {
		<-start
		fmt.Println("goroutine goes on")
	}()
	defer close(start)
	defer fmt.Println("main's deferred call")
	runtime.Goexit()
}
