// Package shape has two shapes.
package shape

import (
	"fmt"

	"example.com/fidelity/internal/trace"
)

type Shape interface {
	Area() float64
	fmt.Stringer
}
type Square struct{ Side float64 }
type Rect struct{ W, H float64 }

func (s Square) Area() float64  { return s.Side * s.Side }
func (s Square) String() string { return fmt.Sprintf("square %g", s.Side) }
func (r *Rect) Area() float64   { return r.W * r.H }
func (r *Rect) String() string  { return fmt.Sprintf("rect %gx%g", r.W, r.H) }
func init()                     { trace.Note("shape init") }
