package main

import "fmt"

var base = add(40, 0)

type speaker interface{ speak() string }
type dog struct{}

func (dog) speak() string { return "woof" }

func init() { fmt.Println("init in z_last.go") }

func add(a, b int) int {
	fmt.Println("add", a, b)
	return a + b
}
