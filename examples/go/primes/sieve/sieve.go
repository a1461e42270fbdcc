// Package sieve finds primes.
package sieve

// UpTo returns the primes that are not larger than limit.
func UpTo(limit int) []int {
	source := make(chan int)
	go func() {
		defer close(source)
		for n := 2; n <= limit; n++ {
			source <- n
		}
	}()
	primes, numbers := []int{}, source
	for prime, ok := <-numbers; ok; prime, ok = <-numbers {
		primes = append(primes, prime)
		numbers = without(numbers, prime)
	}
	return primes
}

func without(in chan int, factor int) chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := range in {
			if n%factor != 0 {
				out <- n
			}
		}
	}()
	return out
}
