// Pins: directory trees, symlinks, chmod, times, walking in order, removal and its errors.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func main() {
	fmt.Println(os.MkdirAll("t/a/b/c", 0o755), os.MkdirAll("t/z", 0o755), os.Mkdir("t", 0o755))
	for i, n := range []string{"t/a/1.txt", "t/a/b/2.log", "t/a/b/c/3.txt", "t/z/.hidden"} {
		os.WriteFile(n, make([]byte, i*10), 0o644)
		os.Chmod(n, fs.FileMode(0o400|i))
	}
	os.Symlink("../a/b", "t/z/link")
	os.Symlink("nowhere", "t/dangling")
	os.Chmod("t/a/b/c", 0o700|fs.ModeSticky)
	filepath.WalkDir("t", func(p string, d fs.DirEntry, err error) error {
		i, _ := d.Info()
		if d.IsDir() || d.Type()&fs.ModeSymlink != 0 {
			fmt.Println(p, d.Type(), err)
			return nil
		}
		fmt.Println(p, i.Mode(), i.Size(), err)
		return nil
	})
	l, err := os.Readlink("t/z/link")
	r, err2 := filepath.EvalSymlinks("t/z/link/2.log")
	fmt.Println(l, err, r, err2)
	_, err = os.Stat("t/dangling")
	st, err2 := os.Lstat("t/dangling")
	fmt.Println(err, st.Mode()&fs.ModeSymlink != 0, err2)
	when := time.Date(2001, 2, 3, 4, 5, 6, 789000000, time.UTC)
	os.Chtimes("t/a/1.txt", when, when)
	st, _ = os.Stat("t/a/1.txt")
	fmt.Println(st.ModTime().UTC())
	m, err := filepath.Glob("t/*/*.txt")
	fmt.Println(m, err, os.Remove("t/a"))
	os.Symlink("loop", "loop")
	_, err = os.Open("loop")
	fmt.Println(err, os.Chdir("t/z"))
	_, err = os.ReadFile("link/2.log")
	fmt.Println(err, os.Chdir("../.."), os.RemoveAll("t"), os.Chdir("t"))
	_, err = os.ReadFile("a.txt/b")
	fmt.Println(err)
}
