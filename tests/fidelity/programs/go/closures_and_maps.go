// Pins: closures keep state, maps print sorted, labels, switch fallthrough, iota, strings by rune.
package main

import (
	"fmt"
	"sort"
)

type level int

const (
	low level = iota * 10
	mid
	_
	high
)

func (l level) String() string { return [...]string{0: "low", 10: "mid", 30: "high"}[l] }

func fib() func() int {
	a, b := 0, 1
	return func() int { defer func() { a, b = b, a+b }(); return a }
}

func main() {
	f := fib()
	for i := 0; i < 10; i++ {
		fmt.Print(f(), ",")
	}
	m := map[string]map[level][]int{"z": {high: {1}, low: nil}, "a": {}, "m": {mid: {2, 3}}}
	fmt.Println(m, len(m))
	delete(m, "z")
	keys := make([]string, 0)
	for k := range m {
		keys = append(keys, k)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(keys)))
	fmt.Printf("%q %d %v\n", keys, high, high)
outer:
	for i, r := range "aé\xff日" {
		switch {
		case r == 'a':
			fmt.Print("a+")
			fallthrough
		case r == 'b':
			fmt.Println("b")
		case r == '日':
			break outer
		default:
			fmt.Printf("%d %U\n", i, r)
		}
	}
	s := []int{1, 2, 3, 4, 5}
	t := append(s[:1:2], 9)
	u := append(s[:1:1], 8)
	copy(s[3:], s)
	fmt.Println(s, t, u, len(s[1:3]), cap(s[1:3]))
}
