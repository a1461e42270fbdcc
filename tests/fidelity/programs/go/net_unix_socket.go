// Pins: Unix stream and datagram sockets in the working directory, their file mode and removal.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
)

func main() {
	l, err := net.Listen("unix", "s.sock")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	st, err := os.Stat("s.sock")
	fmt.Println(st.Mode()&fs.ModeSocket != 0, err)
	go func() {
		c, _ := l.Accept()
		io.Copy(c, c)
		c.Close()
	}()
	c, err := net.Dial("unix", "s.sock")
	fmt.Println(err, c.RemoteAddr())
	c.Write([]byte("over a unix socket"))
	c.(*net.UnixConn).CloseWrite()
	b, err := io.ReadAll(c)
	fmt.Println(string(b), err)
	_, err = net.Listen("unix", "s.sock")
	fmt.Println(err)
	l.Close()
	_, err = os.Stat("s.sock")
	fmt.Println(err)
	_, err = net.Dial("unix", "s.sock")
	fmt.Println(err)
	u, _ := net.ListenPacket("unixgram", "d.sock")
	d, err := net.Dial("unixgram", "d.sock")
	d.Write([]byte("datagram"))
	buf := make([]byte, 50)
	n, _, err := u.ReadFrom(buf)
	fmt.Println(string(buf[:n]), err)
}
