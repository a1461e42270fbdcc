// Pins: Mutex, RWMutex, Once, Cond, atomic counters and sync.Map under contention.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

func main() {
	var mu sync.Mutex
	var rw sync.RWMutex
	var once sync.Once
	var wg sync.WaitGroup
	var hits atomic.Int64
	var seen sync.Map
	plain, turn := 0, 0
	cond := sync.NewCond(&rw)
	var order []int
	for i := 0; i < 20; i++ {
		i := i
		wg.Add(1)
		go func() {
			defer wg.Done()
			once.Do(func() { fmt.Println("once") })
			for k := 0; k < 500; k++ {
				mu.Lock()
				plain++
				mu.Unlock()
				hits.Add(2)
			}
			seen.LoadOrStore(i%7, i%7*10)
			rw.Lock()
			for turn != i {
				cond.Wait()
			}
			order = append(order, i)
			turn++
			rw.Unlock()
			cond.Broadcast()
		}()
	}
	wg.Wait()
	n := 0
	seen.Range(func(k, v interface{}) bool { n += v.(int); return true })
	fmt.Println(plain, hits.Load(), n, order, mu.TryLock(), mu.TryLock())
}
