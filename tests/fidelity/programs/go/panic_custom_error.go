// Pins: a panic with an error value prints its Error text, wrapped cause included.
package main

import (
	"errors"
	"fmt"
)

type quotaError struct {
	name string
	err  error
}

func (q quotaError) Error() string { return "quota " + q.name + ": " + q.err.Error() }
func (q quotaError) Unwrap() error { return q.err }

var errFull = errors.New("disc full\nsecond line")

func main() {
	var err error = fmt.Errorf("outer: %w", quotaError{"tmp", errFull})
	var q quotaError
	fmt.Println(errors.Is(err, errFull), errors.As(err, &q), q.name)
	panic(err)
}
