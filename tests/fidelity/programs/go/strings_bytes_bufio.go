// Pins: strings, bytes, strconv, unicode and bufio helpers.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

func main() {
	s := "  The quick, brown fox — jumped; Über ß  "
	fmt.Printf("%q %q\n", strings.Fields(s), strings.Split("a,b,,c", ","))
	fmt.Println(strings.ToUpper(s), strings.ToTitle("ǆ"), strings.EqualFold("Σ", "ς"), strings.Count("cheese", "e"))
	fmt.Println(strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) {
			return -1
		}
		return unicode.SimpleFold(r)
	}, s))
	fmt.Println(strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace("<b>x</b>"), strings.Repeat("ab", 3), strings.Index("chicken", "ken"))
	before, after, ok := strings.Cut("key=value=x", "=")
	fmt.Println(before, after, ok, bytes.Compare([]byte("a"), []byte("b")), bytes.TrimRight([]byte("xx!!"), "!"))
	_, err := strconv.Atoi("12a")
	_, err2 := strconv.ParseInt("300", 10, 8)
	fmt.Println(err, err2, strconv.Quote("tab\t\x00☺\u200b"), strconv.FormatInt(-255, 36))
	sc := bufio.NewScanner(strings.NewReader("split these  words"))
	sc.Split(bufio.ScanWords)
	for sc.Scan() {
		fmt.Print("[", sc.Text(), "]")
	}
	fmt.Println()
	tw := tabwriter.NewWriter(os.Stdout, 0, 8, 2, '.', tabwriter.AlignRight|tabwriter.Debug)
	fmt.Fprintln(tw, "a\tbbb\tc\nlonger\tx\ty")
	tw.Flush()
}
