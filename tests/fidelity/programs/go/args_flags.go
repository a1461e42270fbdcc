// Pins: flag parsing of the arguments, and the usage on stderr with status 2 for an unknown flag.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	fs := flag.NewFlagSet("tool", flag.ExitOnError)
	n := fs.Int("n", 1, "how `many`")
	v := fs.Bool("v", false, "be verbose")
	d := fs.Duration("wait", time.Second, "time to wait")
	s := fs.String("name", "", "a name")
	fs.Parse(os.Args[1:6])
	fmt.Println(*n, *v, *d, *s, fs.Args())
	fs.Parse(os.Args[6:])
	fmt.Println("never")
}
