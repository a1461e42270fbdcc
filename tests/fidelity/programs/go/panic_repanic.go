// Pins: the nested report when a deferred call recovers and panics anew.
package main

import "fmt"

func main() {
	defer func() {
		r := recover()
		fmt.Println("recovered", r)
		defer func() { panic(fmt.Sprint("third after ", recover())) }()
		panic("second")
	}()
	panic("first")
}
