// Pins: type parameters, constraints, generic types with methods, inferred arguments.
package main

import (
	"fmt"
	"sort"
	"strings"
)

type number interface {
	~int | ~int64 | ~float64
}
type celsius float64

func sum[T number](xs ...T) (t T) {
	for _, x := range xs {
		t += x
	}
	return
}
func apply[A, B any](xs []A, f func(A) B) []B {
	out := make([]B, 0, len(xs))
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}

type stack[T any] struct{ items []T }

func (s *stack[T]) push(x T) *stack[T] { s.items = append(s.items, x); return s }
func (s *stack[T]) pop() (x T, ok bool) {
	if n := len(s.items); n > 0 {
		x, s.items, ok = s.items[n-1], s.items[:n-1], true
	}
	return
}

type pair[K comparable, V any] struct {
	Key K
	Val V
}

func sorted[K ~string, V any](m map[K]V) (out []pair[K, V]) {
	for k, v := range m {
		out = append(out, pair[K, V]{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return
}

func main() {
	fmt.Println(sum(1, 2, 3), sum(1.5, 2), sum[celsius](20.5, 1), sum[int]())
	fmt.Println(apply([]string{"a", "bb"}, func(s string) int { return len(s) }), apply([]string{"x", "y"}, strings.ToUpper))
	s := new(stack[string]).push("one").push("two")
	fmt.Println(s.pop())
	fmt.Println(s.pop())
	fmt.Println(s.pop())
	fmt.Printf("%v %+v %T\n", sorted(map[string]int{"b": 2, "a": 1}), pair[int, error]{Key: 4}, pair[celsius, []string]{})
	fmt.Println(min3(3, 1, 2), min3("c", "b", "a"))
}

func min3[T int | string](a, b, c T) T {
	for _, x := range []T{b, c} {
		if x < a {
			a = x
		}
	}
	return a
}
