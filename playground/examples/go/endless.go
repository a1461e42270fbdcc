// Ends at its time limit, or when you press Stop.
package main

import (
	"fmt"
	"time"
)

func main() {
	for tick := 1; ; tick++ {
		fmt.Println("tick", tick)
		time.Sleep(250 * time.Millisecond)
	}
}
