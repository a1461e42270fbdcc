// Pins: a pipeline of children, extra descriptors, a two-way talk with cat, and SIGPIPE for the writer.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	a, b := exec.Command("printf", "3\\n1\\n2\\n"), exec.Command("sort")
	b.Stdin, _ = a.StdoutPipe()
	out, _ := b.StdoutPipe()
	b.Start()
	fmt.Println(a.Run())
	all, _ := io.ReadAll(out)
	fmt.Printf("%q %v\n", all, b.Wait())
	cat := exec.Command("cat")
	in, _ := cat.StdinPipe()
	co, _ := cat.StdoutPipe()
	cat.Start()
	rd := bufio.NewReader(co)
	for i := 0; i < 3; i++ {
		fmt.Fprintln(in, "message", i)
		s, _ := rd.ReadString('\n')
		fmt.Print("back: ", s)
	}
	in.Close()
	_, err := rd.ReadByte()
	fmt.Println(err, cat.Wait())
	r, w, _ := os.Pipe()
	c := exec.Command("sh", "-c", "echo on three >&3; echo on one")
	c.ExtraFiles, c.Stdout = []*os.File{w}, os.Stdout
	fmt.Println(c.Run())
	w.Close()
	three, _ := io.ReadAll(r)
	fmt.Printf("%q\n", three)
	y := exec.Command("yes")
	yo, _ := y.StdoutPipe()
	y.Start()
	buf := make([]byte, 4)
	io.ReadFull(yo, buf)
	yo.Close()
	fmt.Printf("%q %v\n", buf, y.Wait())
	o, err := exec.Command("sh", "-c", "yes | head -n 2; false | true && echo last wins").CombinedOutput()
	fmt.Printf("%q %v\n", o, err)
}
