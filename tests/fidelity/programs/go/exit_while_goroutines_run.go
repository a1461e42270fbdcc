// Pins: the return of main ends the program with 0 though goroutines still wait.
package main

import (
	"fmt"
	"time"
)

func main() {
	for i := 0; i < 20; i++ {
		go func() {
			time.Sleep(time.Hour)
			fmt.Println("never")
		}()
	}
	fmt.Println("main returns")
}
