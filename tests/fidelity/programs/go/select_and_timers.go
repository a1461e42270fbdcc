// Pins: select with default, nil and closed channels, timers that fire in the order of their times.
package main

import (
	"fmt"
	"time"
)

func main() {
	var never chan int
	c := make(chan int, 1)
	for i := 0; i < 4; i++ {
		select {
		case c <- i:
			fmt.Println("sent", i)
		case <-never:
			fmt.Println("impossible")
		default:
			fmt.Println("full, got", <-c)
		}
	}
	fired := make(chan string, 3)
	time.AfterFunc(400*time.Millisecond, func() { fired <- "late" })
	time.AfterFunc(10*time.Millisecond, func() { fired <- "early" })
	stopped := time.AfterFunc(time.Hour, func() { fired <- "never" })
	fmt.Println(<-fired, <-fired, stopped.Stop(), stopped.Stop())
	t := time.NewTicker(3 * time.Millisecond)
	for i := 0; i < 3; i++ {
		<-t.C
	}
	t.Stop()
	start := time.Now()
	select {
	case <-never:
	case <-time.After(30 * time.Millisecond):
		fmt.Println("timeout", time.Since(start) >= 30*time.Millisecond)
	}
}
