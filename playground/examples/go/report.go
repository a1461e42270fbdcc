// Takes arguments and writes a file, which comes back.
package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	file, err := os.Create("report.csv")
	if err != nil {
		panic(err)
	}
	defer file.Close()

	writer := csv.NewWriter(file)
	defer writer.Flush()
	writer.Write([]string{"fruit", "count"})

	total := 0
	for _, argument := range os.Args[1:] {
		fruit, count, _ := strings.Cut(argument, "=")
		writer.Write([]string{fruit, count})
		number, _ := strconv.Atoi(count)
		total += number
	}
	fmt.Printf("%d kinds of fruit, %d pieces; see report.csv\n", len(os.Args)-1, total)
}
