// Pins: garbage collection, finalizers, deep recursion and many small allocations fit in the limit.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

type list struct {
	next *list
	v    [4]int
}

func depth(n int) int {
	var pad [16]int
	pad[n%16] = n
	if n == 0 {
		return 0
	}
	return depth(n-1) + 1 + pad[(n+1)%16]
}

func main() {
	total := 0
	for i := 0; i < 300; i++ {
		b := make([]byte, 1<<20)
		b[i] = 1
		total += len(b)
	}
	fmt.Println(total>>20, depth(40000))
	var head *list
	for i := 0; i < 200000; i++ {
		head = &list{head, [4]int{i}}
	}
	runtime.GC()
	sum := 0
	for p := head; p != nil; p = p.next {
		sum += p.v[0]
	}
	fmt.Println(sum)
	done := make(chan string, 1)
	func() {
		p := &list{}
		runtime.SetFinalizer(p, func(*list) { done <- "finalized" })
	}()
	runtime.GC()
	select {
	case s := <-done:
		fmt.Println(s)
	case <-time.After(time.Second):
		fmt.Println("finalizer did not run")
	}
	debug.SetGCPercent(50)
	debug.FreeOSMemory()
	runtime.Gosched()
	fmt.Println(runtime.GOOS, runtime.Compiler)
}
