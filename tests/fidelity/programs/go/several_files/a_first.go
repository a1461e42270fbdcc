package main

import "fmt"

var total = add(base, 2)

func init() { fmt.Println("init in a_first.go") }
func init() { fmt.Println("second init in a_first.go") }

func greet(s string) string { return "hello " + s }
