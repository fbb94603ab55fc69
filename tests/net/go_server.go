// SPDX-License-Identifier: BSD-2-Clause

// ADDRESS: an HTTP server that sends back what it gets. get URL: prints what is there. lookup NAME...: prints the addresses, found by Go's
// own resolver.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func get(url string) {
	answer, err := http.Get(url)
	if err != nil {
		fail(err)
	}
	if _, err = io.Copy(os.Stdout, answer.Body); err != nil {
		fail(err)
	}
}

func lookup(names []string) {
	for _, name := range names {
		found, err := (&net.Resolver{PreferGo: true}).LookupHost(context.Background(), name)
		sort.Strings(found)
		if e, ok := err.(*net.DNSError); ok {
			fmt.Println(name, "not found:", e.IsNotFound, "time-out:", e.IsTimeout)
		} else {
			fmt.Println(name, found, err)
		}
	}
}

func serve(address string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Fprintf(w, "go:%s", body)
	})
	fail(http.ListenAndServe(address, nil))
}

func main() {
	switch os.Args[1] {
	case "get":
		get(os.Args[2])
	case "lookup":
		lookup(os.Args[2:])
	default:
		serve(os.Args[1])
	}
}
