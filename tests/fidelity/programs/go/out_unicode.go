// Pins: UTF-8 of every length reaches both streams unchanged, combining marks and joined emoji too.
package main

import (
	"fmt"
	"os"
	"unicode/utf8"
)

func main() {
	words := []string{"plain", "naïve", "日本語", "עברית", "🙂", "👩‍👩‍👧", "e\u0301", "\u202eabc\u202c", "\U0010FFFF", "\ufeffbom"}
	for _, w := range words {
		fmt.Printf("%s|%d|%d|%+q\n", w, len(w), utf8.RuneCountInString(w), w)
		fmt.Fprintf(os.Stderr, "err %s\n", w)
	}
}
