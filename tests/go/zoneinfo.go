// SPDX-License-Identifier: BSD-2-Clause

// zoneinfo < zipdata.go > zoneinfo.zip: Debian leaves lib/time/zoneinfo.zip out of its Go packages, but time/tzdata has the
// same bytes as a string constant, one quoted piece a line.
package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		line := strings.TrimPrefix(strings.TrimSpace(in.Text()), "const zipdata = ")
		if piece, err := strconv.Unquote(strings.TrimSuffix(line, " +")); err == nil {
			out.WriteString(piece)
		}
	}
	if in.Err() != nil || out.Flush() != nil {
		os.Exit(1)
	}
}
