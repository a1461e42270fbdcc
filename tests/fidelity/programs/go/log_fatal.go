// Pins: log.Fatal writes to stderr and leaves with 1 without deferred calls.
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(log.Lshortfile | log.Lmsgprefix)
	log.SetPrefix("app: ")
	defer fmt.Println("never")
	log.Print("a notice")
	log.New(os.Stdout, "out> ", 0).Printf("to stdout %d", 5)
	_, err := os.Open("no/such/file")
	log.Fatal("cannot go on: ", err)
}
