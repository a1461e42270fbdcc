// Pins: stable sorts, binary search, container/heap, list and ring.
package main

import (
	"container/heap"
	"container/list"
	"container/ring"
	"fmt"
	"sort"
)

type task struct {
	name string
	prio int
}
type queue []task

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].prio > q[j].prio }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(task)) }
func (q *queue) Pop() any          { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

func main() {
	q := &queue{}
	for i := 0; i < 9; i++ {
		heap.Push(q, task{fmt.Sprint("t", i), i * 7 % 9})
	}
	for q.Len() > 0 {
		fmt.Print(heap.Pop(q), " ")
	}
	people := []task{{"Ann", 3}, {"bob", 1}, {"Cid", 3}, {"dan", 2}, {"eve", 1}}
	sort.SliceStable(people, func(i, j int) bool { return people[i].prio < people[j].prio })
	fmt.Println("\n", people)
	big := make([]int, 20000)
	x := uint32(1)
	for i := range big {
		x = x*1664525 + 1013904223
		big[i] = int(x >> 12)
	}
	sort.Ints(big)
	fmt.Println(big[0], big[10000], big[19999], sort.SearchInts(big, big[777]) <= 777, sort.IntsAreSorted(big))
	l := list.New()
	l.PushBack(1)
	l.InsertBefore(0, l.PushBack(2))
	l.MoveToFront(l.Back())
	for e := l.Front(); e != nil; e = e.Next() {
		fmt.Print(e.Value, " ")
	}
	r := ring.New(4)
	for i := 0; i < 6; i++ {
		r.Value = i
		r = r.Next()
	}
	r.Do(func(v any) { fmt.Print(v, ";") })
	fmt.Println()
}
