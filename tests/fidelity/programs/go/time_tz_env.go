// Pins: TZ from the environment sets the local zone of the program and of its children.
package main

import (
	"fmt"
	"os/exec"
	"time"
)

func main() {
	t := time.Unix(1720000000, 0)
	fmt.Println(t, time.Date(2024, 1, 1, 0, 0, 0, 0, time.Local).Unix())
	name, off := t.Zone()
	fmt.Println(name, off, time.Local)
	out, err := exec.Command("date", "-d", "@1720000000", "+%F %T %z").Output()
	fmt.Println(string(out), err)
}
