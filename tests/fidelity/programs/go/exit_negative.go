// Pins: os.Exit(-1) wraps to status 255 and 256+7 seen from a parent wraps to 7.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(263)
	}
	self, _ := os.Executable()
	err := exec.Command(self, "child").Run()
	fmt.Println(err)
	os.Exit(-1)
}
