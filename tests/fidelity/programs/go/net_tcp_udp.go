// Pins: TCP with several clients and half-close, UDP datagrams, deadlines, all on the own loopback.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				sc := bufio.NewScanner(c)
				for sc.Scan() {
					fmt.Fprintln(c, strings.ToUpper(sc.Text()))
				}
				fmt.Fprint(c, "bye")
			}()
		}
	}()
	replies := make([]string, 6)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			fmt.Fprintf(c, "client %d\nagain\n", i)
			c.(*net.TCPConn).CloseWrite()
			b, _ := io.ReadAll(c)
			replies[i] = string(b)
		}(i)
	}
	wg.Wait()
	fmt.Printf("%q %v\n", replies, l.Close())
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	b, err2 := net.Dial("udp", a.LocalAddr().String())
	fmt.Println(err, err2)
	b.Write([]byte("datagram"))
	buf := make([]byte, 100)
	n, from, err := a.ReadFrom(buf)
	fmt.Println(string(buf[:n]), from.String() == b.LocalAddr().String(), err)
	a.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _, err = a.ReadFrom(buf)
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	fmt.Println(net.ParseIP("::1"), net.JoinHostPort("::1", "80"))
}
