// Takes memory until the limit ends it. The host does not notice.
package main

import "fmt"

func main() {
	var taken [][]byte
	for {
		block := make([]byte, 8<<20)
		for i := range block {
			block[i] = 1
		}
		taken = append(taken, block)
		fmt.Println(len(taken)*8, "MiB")
	}
}
