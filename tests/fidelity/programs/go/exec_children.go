// Pins: children's stdout, stderr, stdin, exit codes and not-found errors.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	out, err := exec.Command("echo", "two words", "", "ü").Output()
	fmt.Printf("%q %v\n", out, err)
	for _, code := range []string{"0", "1", "42", "126", "137", "255"} {
		c := exec.Command("sh", "-c", "echo out; echo err >&2; exit "+code)
		var o, e bytes.Buffer
		c.Stdout, c.Stderr = &o, &e
		err := c.Run()
		fmt.Printf("%q %q %v %d %v\n", o.String(), e.String(), err, c.ProcessState.ExitCode(), c.ProcessState.Success())
	}
	c := exec.Command("sort", "-r")
	c.Stdin = strings.NewReader("b\na\nc\n")
	out, err = c.CombinedOutput()
	fmt.Printf("%q %v\n", out, err)
	_, err = exec.LookPath("no-such-program-here")
	fmt.Println(err, errors.Is(err, exec.ErrNotFound))
	fmt.Println(exec.Command("./missing").Run())
	os.WriteFile("script.sh", []byte("#!/bin/sh\necho script \"$#\" \"$2\"\nexit 5\n"), 0o644)
	fmt.Println(exec.Command("./script.sh").Run())
	os.Chmod("script.sh", 0o755)
	c = exec.Command("./script.sh", "a", "b c")
	c.Stdout = os.Stdout
	c.Dir = "."
	fmt.Println(c.Run())
	c = exec.Command("sh", "-c", "echo $A-$B; cd / && pwd")
	c.Env = []string{"A=1"}
	out, err = c.Output()
	fmt.Printf("%q %v\n", out, err)
}
