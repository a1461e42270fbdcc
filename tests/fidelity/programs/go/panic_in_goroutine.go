// Pins: a panic in a goroutine ends the whole program with status 2; the trace is switched off by GOTRACEBACK.
package main

import "fmt"

func main() {
	defer fmt.Println("main's deferred call never runs")
	done := make(chan bool)
	go func() {
		defer fmt.Println("goroutine's deferred call runs")
		panic("boom in goroutine")
	}()
	<-done
}
