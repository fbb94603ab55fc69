// SPDX-License-Identifier: BSD-2-Clause
package main

import "fmt"

func main() { fmt.Println("hello, go") }
