// Pins: encoding/csv, encoding/xml and encoding/gob, there and back, with an error each.
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/gob"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

type book struct {
	XMLName xml.Name `xml:"book"`
	ID      int      `xml:"id,attr"`
	Title   string   `xml:"title"`
	Authors []string `xml:"authors>name"`
	Note    string   `xml:",comment"`
}
type tree struct {
	Val         int
	Left, Right *tree
	Names       map[string]int
}

func main() {
	w := csv.NewWriter(os.Stdout)
	w.WriteAll([][]string{{"plain", "with,comma", `with"quote`, "two\nlines", "", " lead"}})
	rows, err := csv.NewReader(strings.NewReader("a,\"b \"\"x\"\"\",c\r\n# no,comment,here\n1,2\n")).ReadAll()
	fmt.Printf("%q %v\n", rows, err)
	b := book{ID: 7, Title: "A <b> & 'c'", Authors: []string{"Ann", "Бob"}, Note: " hi "}
	out, err := xml.MarshalIndent(b, "", "  ")
	fmt.Println(xml.Header+string(out), err)
	var back book
	fmt.Println(xml.Unmarshal(out, &back), back.ID, back.Title, back.Authors)
	fmt.Println(xml.Unmarshal([]byte("<book><title>x</book>"), &back))
	var buf bytes.Buffer
	t := &tree{1, &tree{Val: 2}, &tree{3, nil, &tree{Val: 4}, nil}, map[string]int{"k": 9}}
	fmt.Println(gob.NewEncoder(&buf).Encode(t))
	var u tree
	fmt.Println(gob.NewDecoder(&buf).Decode(&u), u.Val, u.Left.Val, u.Right.Right.Val, u.Names)
	var wrong struct{ Val string }
	gob.NewEncoder(&buf).Encode(t)
	fmt.Println(gob.NewDecoder(&buf).Decode(&wrong) != nil)
}
