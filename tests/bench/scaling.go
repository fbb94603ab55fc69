// SPDX-License-Identifier: BSD-2-Clause

// Two goroutines that compute and allocate: their time against that of one. See scaling.c.
package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

var sink [2][]byte

func compute(me, steps int) {
	x := uint64(me + 1)
	for i := 0; i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		if i%4096 == 0 {
			sink[me] = make([]byte, 256+x%256)
		}
	}
	sink[me][0] = byte(x)
}

func timeOf(goroutines, steps int) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func(me int) {
			defer wg.Done()
			compute(me, steps)
		}(g)
	}
	wg.Wait()
	return time.Since(start)
}

func main() {
	steps := 100000
	for timeOf(1, steps) < 100*time.Millisecond {
		steps *= 2
	}
	one, two := time.Hour, time.Hour
	for i := 0; i < 3; i++ {
		one = min(one, timeOf(1, steps))
		two = min(two, timeOf(2, steps))
	}
	fmt.Printf("row\t2 computing goroutines / 1, Go\t%.4g\n", float64(two)/float64(one))
	if os.Getpid() == 1 {
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
	}
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
