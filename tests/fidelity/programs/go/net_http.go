// Pins: an HTTP server and client talk over the own loopback on a free port.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("listen:", err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Method", r.Method)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %q %s", r.URL.Query().Get("q"), b, r.Header.Get("X-Ask"))
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("0123456789", 30000)) })
	mux.Handle("/old", http.RedirectHandler("/echo?q=moved", http.StatusFound))
	srv := &http.Server{Handler: mux}
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	base := "http://" + l.Addr().String()
	client := &http.Client{Timeout: 3 * time.Second}
	for _, p := range []string{"/echo?q=a+b%26", "/old", "/big", "/none"} {
		req, _ := http.NewRequest("POST", base+p, strings.NewReader("bödy"))
		req.Header.Set("X-Ask", "yes")
		r, err := client.Do(req)
		if err != nil {
			fmt.Println("error")
			continue
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		fmt.Println(r.Status, r.Header.Get("X-Method"), r.Header.Get("Content-Type"), len(b), string(b[:min(len(b), 60)]), err)
	}
	fmt.Println(srv.Close(), <-done)
	_, err = client.Get(base)
	fmt.Println(err != nil, strings.Contains(fmt.Sprint(err), "connection refused"))
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
