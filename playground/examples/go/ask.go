// Type into the line below the output while this runs.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)

	fmt.Print("What is your name? ")
	lines.Scan()
	name := lines.Text()

	fmt.Printf("How often shall I greet you, %s? ", name)
	lines.Scan()
	count, _ := strconv.Atoi(lines.Text())

	for n := 1; n <= min(count, 10); n++ {
		fmt.Printf("%d. Hello, %s!\n", n, name)
	}
}
