// Pins: goroutines, buffered channels and a worker pool give the same sums whatever the scheduling.
package main

import (
	"fmt"
	"sync"
)

func main() {
	jobs, results := make(chan int, 5), make(chan [2]int)
	var wg sync.WaitGroup
	for w := 0; w < 8; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range jobs {
				results <- [2]int{j, j * j}
			}
		}()
	}
	go func() {
		for i := 0; i < 200; i++ {
			jobs <- i
		}
		close(jobs)
		wg.Wait()
		close(results)
	}()
	squares, sum := make([]int, 200), 0
	for r := range results {
		squares[r[0]] = r[1]
		sum += r[1]
	}
	fmt.Println(sum, squares[190:])
	ping, pong := make(chan string), make(chan string)
	go func() {
		for s := range ping {
			pong <- s + " pong"
		}
		close(pong)
	}()
	for i := 0; i < 3; i++ {
		ping <- fmt.Sprint(i)
		fmt.Println(<-pong)
	}
	close(ping)
	_, ok := <-pong
	fmt.Println(ok)
}
