// SPDX-License-Identifier: BSD-2-Clause
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var n int64
	for i := 0; i < 200; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); for k := 0; k < 500; k++ { atomic.AddInt64(&n, 1); if k%100 == 0 { runtime.Gosched() } } }()
	}
	wg.Wait()
	fmt.Println("goroutines", n)
	ch := make(chan int, 4)
	go func() { for i := 0; i < 1000; i++ { ch <- i }; close(ch) }()
	s := 0
	for v := range ch { s += v }
	fmt.Println("chan", s)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { b, _ := io.ReadAll(r.Body); fmt.Fprintf(w, "%s %s %x", r.Method, r.URL.Path, sha256.Sum256(b)) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	srv := &http.Server{Handler: mux}
	go srv.Serve(l)
	out := make([]string, 50)
	for i := range out {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			r, err := http.Post(fmt.Sprintf("http://%s/p%02d", l.Addr(), i), "text/plain", bytes.NewReader(bytes.Repeat([]byte{byte(i)}, i*5000)))
			if err != nil { out[i] = err.Error(); return }
			b, _ := io.ReadAll(r.Body); r.Body.Close(); out[i] = string(b)
		}(i)
	}
	wg.Wait()
	sort.Strings(out)
	fmt.Println(out[49], len(out))
	ctx, c := context.WithTimeout(context.Background(), time.Second); srv.Shutdown(ctx); c()
	_, err = net.Dial("tcp", l.Addr().String()); fmt.Println(strings.Contains(fmt.Sprint(err), "connection refused"))
	u, _ := net.ListenPacket("udp", "127.0.0.1:0"); d, _ := net.Dial("udp", u.LocalAddr().String()); d.Write([]byte("dgram")); b := make([]byte, 10); k, _, _ := u.ReadFrom(b); fmt.Println(string(b[:k]))
	ul, err := net.Listen("unix", "u.sock"); go func() { c, _ := net.Dial("unix", "u.sock"); c.Write([]byte("unix")); c.Close() }(); uc, _ := ul.Accept(); ub, _ := io.ReadAll(uc); fmt.Println(string(ub)); ul.Close()
	sg := make(chan os.Signal, 1); signal.Notify(sg, syscall.SIGUSR1); syscall.Kill(os.Getpid(), syscall.SIGUSR1); fmt.Println("signal", <-sg)
	t := time.Now(); select { case <-time.After(30 * time.Millisecond): }; el := time.Since(t); fmt.Println("timer", el >= 30*time.Millisecond && el < time.Second)
	tk := time.NewTicker(2 * time.Millisecond); for i := 0; i < 5; i++ { <-tk.C }; tk.Stop(); fmt.Println("ticker")
	func() { defer func() { fmt.Println("recovered:", recover()) }(); var p *int; *p = 1 }()
	os.MkdirAll("w/x", 0755); for i := 0; i < 30; i++ { os.WriteFile(fmt.Sprintf("w/x/%d", i), bytes.Repeat([]byte("q"), i), 0644) }; var tot int64
	filepath.Walk("w", func(p string, fi os.FileInfo, e error) error { if !fi.IsDir() { tot += fi.Size() }; return nil }); fmt.Println("files", tot); os.RemoveAll("w"); _, err = os.Stat("w"); fmt.Println(os.IsNotExist(err))
	r, w, _ := os.Pipe(); go func() { w.Write([]byte("pipe")); w.Close() }(); pb, _ := io.ReadAll(r); fmt.Println(string(pb))
	big := make([][]byte, 0); for i := 0; i < 200; i++ { x := make([]byte, 1<<20); x[i] = byte(i); big = append(big, x) }; sum := 0; for i, x := range big { sum += int(x[i]) }; big = nil; runtime.GC(); fmt.Println("mem", sum)
	go func() { for { } }(); time.Sleep(20 * time.Millisecond); fmt.Println("preempted") // asynchronous preemption (SIGURG)
	loc, err := time.LoadLocation("Asia/Kolkata"); if err == nil { fmt.Println(time.Unix(1700000000, 0).In(loc).Format(time.RFC3339)) }
	runtime.LockOSThread(); fmt.Println(len(os.Args), os.Getenv("TZ")); os.Exit(6)
}
