// Pins: files beside the source are embedded at build time, without a go.mod, and lie in the working directory at run time.
package main

import (
	"embed"
	"fmt"
	"os"
)

//go:embed message.txt
var message string

//go:embed data
var data embed.FS

func main() {
	fmt.Printf("%q\n", message)
	entries, err := data.ReadDir("data")
	for _, e := range entries {
		b, _ := data.ReadFile("data/" + e.Name())
		fmt.Printf("%s %v %q\n", e.Name(), e.IsDir(), b)
	}
	fmt.Println(err)
	onDisk, err := os.ReadFile("data/one.txt")
	fmt.Printf("on disk %q %v\n", onDisk, err)
	_, err = data.Open("data/none.txt")
	fmt.Println(err)
}
