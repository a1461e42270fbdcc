// Pins: the case's environment arrives unchanged; HOME is the working directory; absent and empty differ.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	for _, k := range []string{"PLAIN", "SPACES", "EMPTY", "UNICODE", "MULTI", "EQUALS", "LANG", "lower_case", "ABSENT"} {
		v, ok := os.LookupEnv(k)
		fmt.Printf("%s %q %v\n", k, v, ok)
	}
	wd, err := os.Getwd()
	fmt.Println(wd == os.Getenv("HOME"), err, os.ExpandEnv("<$PLAIN-${EMPTY}-${ABSENT}>"))
	os.Setenv("ADDED", "by parent")
	os.Unsetenv("PLAIN")
	out, err := exec.Command("sh", "-c", `printf '%s|' "$ADDED" "${PLAIN-unset}" "$MULTI" "$EQUALS"`).Output()
	fmt.Printf("%q %v\n", out, err)
}
