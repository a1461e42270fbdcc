// Prints the primes up to a number, found by goroutines in a chain.
package main

import (
	"fmt"
	"os"
	"strconv"

	"example.com/primes/sieve"
)

func main() {
	limit := 30
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, "primes: not a number:", os.Args[1])
			os.Exit(2)
		}
		limit = n
	}
	fmt.Println(sieve.UpTo(limit))
}
