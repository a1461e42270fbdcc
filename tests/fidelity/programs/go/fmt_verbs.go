// Pins: the verbs of fmt, widths, floats, wrong verbs and panicking String methods.
package main

import (
	"fmt"
	"math"
)

type point struct {
	X, Y int
	Tag  *string
}
type bad struct{}

func (bad) String() string { panic("no string") }

func main() {
	p := point{1, -2, nil}
	fmt.Printf("%v|%+v|%#v|%T\n", p, p, p, p)
	fmt.Printf("%5d|%-5d|%05d|%+d|%x|%X|%o|%#b|%c|%U|%q\n", 42, 42, 42, 42, 255, 255, 8, 5, 0x1F600, 0x1F600, 'x')
	fmt.Printf("%f|%.2f|%8.3f|%e|%g|%G|%6.2f%%\n", math.Pi, math.E, -1.5, 123456.789, 1e21, 1e-7, 99.5)
	fmt.Println(math.Inf(1), math.NaN(), -math.MaxFloat64, math.SmallestNonzeroFloat64, float32(0.1), 0.1+0.2, 1e6, 1e20, 1e21)
	fmt.Printf("%s|%10s|%-10s|%.2s|%q|%x|% X\n", "go", "right", "left", "cut", "a\"\n", "hex", []byte("raw"))
	fmt.Printf("%t|%v|%v|%d|%s\n", true, []string{"a b", "c"}, [2]bool{true}, []int{1, 2}, []byte("bytes"))
	fmt.Printf("%d %s\n", "text", 5)
	fmt.Printf("%d %d\n", 1)
	fmt.Printf("%!|%z|%[2]d %[1]d|%*d\n", 1, 2, 6, 3)
	fmt.Printf("%v %s\n", bad{}, error(nil))
	fmt.Println(math.MaxInt64, uint64(math.MaxUint64), 7/-2, -7%3, 1<<40, 3&^1, complex(1, -2))
	var i8 int8 = 127
	i8++
	fmt.Println(i8, math.Sqrt(2), math.Mod(-7, 3), math.Round(-2.5), math.Hypot(3, 4), math.Log1p(1e-10))
}
