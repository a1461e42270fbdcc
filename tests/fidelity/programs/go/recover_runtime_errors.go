// Pins: the texts of the recoverable runtime errors.
package main

import (
	"fmt"
	"runtime"
)

func try(name string, f func()) {
	defer func() {
		r := recover()
		_, rt := r.(runtime.Error)
		fmt.Printf("%s: %v (runtime %v)\n", name, r, rt)
	}()
	f()
}

func main() {
	zero, n := 0, 5
	s := []int{1, 2, 3}
	var p *[]int
	var any interface{} = "text"
	try("divide", func() { fmt.Println(1 / zero) })
	try("index", func() { fmt.Println(s[n]) })
	try("slice", func() { fmt.Println(s[n:zero]) })
	try("array", func() { fmt.Println([4]int(s)) })
	try("nil", func() { fmt.Println(len(*p)) })
	try("assert", func() { fmt.Println(any.(int)) })
	try("stringer", func() { fmt.Println(any.(fmt.Stringer)) })
	try("close", func() { var c chan int; close(c) })
	try("send", func() { c := make(chan int); close(c); c <- 1 })
	try("make", func() { _ = make([]int, zero-n) })
	try("hash", func() { _ = map[interface{}]int{interface{}(s): 1} })
	try("none", func() {})
}
