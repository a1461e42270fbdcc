// Pins: several files of package main are built together; variables start before init, files in order of name.
package main

import "fmt"

func init() { fmt.Println("init in main.go") }

func main() {
	fmt.Println(greet("world"), total)
	var s speaker = dog{}
	fmt.Println(s.speak())
}
