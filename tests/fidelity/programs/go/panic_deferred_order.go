// Pins: deferred calls run last in first out while panicking, arguments bound early, results changed by recover.
package main

import "fmt"

func risky(n int) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("caught %v", r)
		}
	}()
	for i := 0; i < 3; i++ {
		defer fmt.Println("defer", n, i)
	}
	if n%2 == 1 {
		panic(n)
	}
	return "fine", nil
}

func main() {
	for n := 0; n < 3; n++ {
		fmt.Println(risky(n))
	}
	defer fmt.Println("outer defer")
	panic(fmt.Sprintf("last %d", 99))
}
