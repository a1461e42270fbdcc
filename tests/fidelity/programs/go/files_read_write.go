// Pins: create, append, seek, truncate, exclusive create, rename over a file, sparse files, errors.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

func main() {
	fmt.Println(os.WriteFile("a.txt", []byte("hello\n"), 0o600))
	f, err := os.OpenFile("a.txt", os.O_APPEND|os.O_WRONLY, 0)
	fmt.Fprint(f, "more\n")
	fmt.Println(err, f.Close(), f.Close())
	f, _ = os.OpenFile("a.txt", os.O_RDWR, 0)
	f.Seek(-3, io.SeekEnd)
	f.WriteString("RE")
	f.WriteAt([]byte("J"), 0)
	b, err := os.ReadFile("a.txt")
	fmt.Printf("%q %v\n", b, err)
	fmt.Println(f.Truncate(4), f.Sync())
	at := make([]byte, 10)
	n, err := f.ReadAt(at, 1)
	fmt.Printf("%q %v\n", at[:n], err)
	_, err = os.OpenFile("a.txt", os.O_CREATE|os.O_EXCL, 0o600)
	fmt.Println(err, errors.Is(err, fs.ErrExist))
	os.WriteFile("b.txt", []byte("b"), 0o600)
	fmt.Println(os.Rename("a.txt", "b.txt"))
	_, err = os.Stat("a.txt")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	b, _ = os.ReadFile("b.txt")
	fmt.Printf("%q %v\n", b, os.Rename("nope", "x"))
	s, _ := os.Create("sparse")
	s.WriteAt([]byte("end"), 5<<20)
	st, _ := s.Stat()
	fmt.Println(st.Size(), st.Mode().IsRegular(), st.Sys().(*syscall.Stat_t).Nlink)
	_, err = f.Read(nil)
	_, err2 := os.ReadFile(".")
	fmt.Println(err, err2, os.Remove("sparse"), os.Remove("sparse"))
	fmt.Println(os.Link("b.txt", "hard"), os.WriteFile("hard", []byte("shared"), 0))
	b, _ = os.ReadFile("b.txt")
	fmt.Printf("%q %v\n", b, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	os.WriteFile("имя 🙂\nfile", nil, 0o600)
	names, _ := os.ReadDir(".")
	for _, e := range names {
		if e.Name() > "z" {
			fmt.Printf("%q\n", e.Name())
		}
	}
}
