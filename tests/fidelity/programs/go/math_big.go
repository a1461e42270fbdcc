// Pins: big integers, rationals and floats, primes, seeded random numbers and bit tricks.
package main

import (
	"fmt"
	"math/big"
	"math/bits"
	"math/rand"
)

func main() {
	f := big.NewInt(1)
	for i := int64(2); i <= 60; i++ {
		f.Mul(f, big.NewInt(i))
	}
	fmt.Println(f, f.BitLen())
	p, ok := new(big.Int).SetString("170141183460469231731687303715884105727", 0)
	fmt.Println(ok, p.ProbablyPrime(10), new(big.Int).Exp(big.NewInt(3), p, big.NewInt(1000000007)), new(big.Int).ModInverse(big.NewInt(7), p))
	h := new(big.Rat)
	for i := int64(1); i <= 25; i++ {
		h.Add(h, big.NewRat(1, i))
	}
	fmt.Println(h, h.FloatString(30))
	two := new(big.Float).SetPrec(200).SetInt64(2)
	fmt.Println(new(big.Float).SetPrec(200).Sqrt(two).Text('f', 50))
	r := rand.New(rand.NewSource(42))
	fmt.Println(r.Intn(1000), r.Perm(8), r.Float64(), r.NormFloat64())
	hi, lo := bits.Mul64(1<<63, 6)
	fmt.Println(hi, lo, bits.OnesCount(255), bits.LeadingZeros32(1), bits.Reverse8(3))
	var g big.Int
	fmt.Println(g.GCD(nil, nil, big.NewInt(84), big.NewInt(-36)), new(big.Int).Quo(big.NewInt(-7), big.NewInt(2)), new(big.Int).Div(big.NewInt(-7), big.NewInt(2)))
}
