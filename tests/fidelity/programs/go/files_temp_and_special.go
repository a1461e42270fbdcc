// Pins: temporary files and directories, a FIFO, /dev/null, /dev/zero, an mmap shared with a file.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	f, err := os.CreateTemp("", "fid-*.txt")
	fmt.Println(err, strings.HasPrefix(filepath.Base(f.Name()), "fid-"), filepath.Ext(f.Name()), filepath.Dir(f.Name()))
	st, _ := f.Stat()
	fmt.Println(st.Mode(), os.Remove(f.Name()))
	fmt.Fprint(f, "still writable after removal")
	f.Seek(6, io.SeekStart)
	b, err := io.ReadAll(f)
	fmt.Printf("%q %v\n", b, err)
	d, err := os.MkdirTemp(".", "dir")
	fmt.Println(err, os.RemoveAll(d))
	fmt.Println(syscall.Mkfifo("fifo", 0o600))
	go func() { os.WriteFile("fifo", []byte("through the fifo"), 0) }()
	b, err = os.ReadFile("fifo")
	fmt.Printf("%q %v\n", b, err)
	n, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	k, err2 := n.WriteString("gone")
	m, err3 := n.Read(make([]byte, 5))
	fmt.Println(err, k, err2, m, err3)
	z, _ := os.Open("/dev/zero")
	zb := []byte{1, 2, 3}
	io.ReadFull(z, zb)
	u, _ := os.Open("/dev/urandom")
	k, err = io.ReadFull(u, make([]byte, 64))
	fmt.Println(zb, k, err)
	mf, _ := os.Create("mapped")
	mf.Truncate(8192)
	mem, err := syscall.Mmap(int(mf.Fd()), 0, 8192, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	copy(mem[4094:], "across")
	mf.ReadAt(zb, 4096)
	fmt.Printf("%v %q %v\n", err, zb, syscall.Munmap(mem))
	fmt.Fprintln(os.NewFile(1, "one"), "written to descriptor one")
}
