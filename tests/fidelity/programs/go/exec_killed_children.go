// Pins: how the death of a child by a signal is told, and that kill, wait and process groups work.
package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

func main() {
	for _, s := range []string{"TERM", "KILL", "USR1", "SEGV", "PIPE"} {
		c := exec.Command("sh", "-c", "kill -"+s+" $$; exit 9")
		err := c.Run()
		ws := c.ProcessState.Sys().(syscall.WaitStatus)
		fmt.Println(s, err, c.ProcessState.ExitCode(), ws.Signaled(), ws.Signal())
	}
	c := exec.Command("sleep", "30")
	fmt.Println(c.Start(), c.Process.Kill(), c.Wait())
	fmt.Println(c.Process.Kill())
	g := exec.Command("sh", "-c", "sleep 30 & sleep 30; echo never")
	g.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, _ := g.StdinPipe()
	fmt.Println(g.Start(), syscall.Kill(-g.Process.Pid, syscall.SIGTERM), g.Wait())
	in.Close()
	t := exec.Command("sh", "-c", "trap 'echo trapped; exit 6' TERM; echo ready; while :; do sleep 0.01; done")
	out, _ := t.StdoutPipe()
	t.Start()
	b := make([]byte, 64)
	n, _ := out.Read(b)
	fmt.Printf("%q\n", b[:n])
	t.Process.Signal(syscall.SIGTERM)
	n, _ = out.Read(b)
	fmt.Printf("%q %v\n", b[:n], t.Wait())
}
