// Pins: context deadline, cancel, cause and values, and a child process ended by its context.
package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

type key string

func main() {
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), key("k"), "v"), 20*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err(), errors.Is(ctx.Err(), context.DeadlineExceeded), ctx.Value(key("k")), ctx.Value("k"))
	c2, cancel2 := context.WithCancelCause(context.Background())
	c3, cancel3 := context.WithCancel(c2)
	defer cancel3()
	cancel2(errors.New("my reason"))
	<-c3.Done()
	fmt.Println(c3.Err(), context.Cause(c3))
	c4, cancel4 := context.WithTimeout(context.Background(), 60*time.Millisecond)
	defer cancel4()
	fmt.Println(exec.CommandContext(c4, "sleep", "30").Run(), c4.Err())
	fmt.Println(c3)
}
