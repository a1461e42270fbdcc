// Pins: gzip, zlib, zip and tar archives written and read back in memory; a broken stream gives an error.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"time"
)

func main() {
	text := strings.Repeat("compress me, please. ", 2000)
	var b, zb, tb bytes.Buffer
	g, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	g.Name, g.ModTime = "näme", time.Unix(1e9, 0)
	io.WriteString(g, text)
	g.Close()
	raw := b.Bytes()
	r, err := gzip.NewReader(bytes.NewReader(raw))
	back, err2 := io.ReadAll(r)
	fmt.Println(err, err2, string(back) == text, r.Name, r.ModTime.UTC(), len(raw) < 500)
	r, _ = gzip.NewReader(bytes.NewReader(raw[:len(raw)-6]))
	_, err = io.ReadAll(r)
	fmt.Println(err)
	_, err = zlib.NewReader(bytes.NewReader([]byte("nonsense")))
	fmt.Println(err)
	z := zip.NewWriter(&zb)
	for _, n := range []string{"a.txt", "dir/", "dir/日本.txt"} {
		f, _ := z.Create(n)
		io.WriteString(f, strings.TrimSuffix("content of "+n, "content of dir/"))
	}
	fmt.Println(z.Close())
	zr, err := zip.NewReader(bytes.NewReader(zb.Bytes()), int64(zb.Len()))
	for _, f := range zr.File {
		fmt.Println(f.Name, f.UncompressedSize64, f.FileInfo().IsDir(), fmt.Sprintf("%08x", f.CRC32))
	}
	tw := tar.NewWriter(&tb)
	tw.WriteHeader(&tar.Header{Name: "t.txt", Mode: 0640, Size: 3, ModTime: time.Unix(86400, 0)})
	tw.Write([]byte("tar"))
	tw.Close()
	h, err := tar.NewReader(&tb).Next()
	fmt.Println(h.Name, h.FileInfo().Mode(), h.ModTime.UTC(), err, tb.Len() > 0)
}
