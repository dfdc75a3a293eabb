//go:build ignore

// Hello is the least that a Go program costs to start and end.
package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
