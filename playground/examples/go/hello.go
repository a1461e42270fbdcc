package main

import (
	"fmt"
	"runtime"
)

func main() {
	fmt.Println("Hello from a sealed sandbox!")
	fmt.Println(runtime.Version())
}
