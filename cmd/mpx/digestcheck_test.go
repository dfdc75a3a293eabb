package main

import (
	"bytes"
	"testing"
)

// What is read as a line of a checksum is the same line when it is written as digest
// writes it.
func FuzzSumLine(f *testing.F) {
	sum := "d41d8cd98f00b204e9800998ecf8427e"
	for _, line := range []string{
		sum + "  x", sum + " *x", sum + " x", "\\" + sum + "  a\\nb\\\\", "MD5 (a)b) = " + sum, "MD5(x)= " + sum,
		" \t" + sum + "  x\r", sum, sum + "  ", "MD5 () = " + sum, sum[1:] + "  x",
	} {
		f.Add([]byte(line), false)
		f.Add([]byte(line), true)
	}
	f.Fuzz(func(t *testing.T, line []byte, zero bool) {
		l, ok := parseSumLine(line, zero)
		if !ok {
			return
		}
		if len(l.path) == 0 || !isSum(l.sum) {
			t.Fatalf("%q: path %q, sum %q", line, l.path, l.sum)
		}
		mark, name := "", string(l.path)
		if !zero {
			mark, name = escapeName(name)
		}
		again, ok := parseSumLine([]byte(mark+string(l.sum)+"  "+name), zero)
		if !ok || !bytes.Equal(again.path, l.path) || !bytes.Equal(again.sum, l.sum) {
			t.Errorf("%q: path %q, sum %q; written and read again %q, %q", line, l.path, l.sum, again.path, again.sum)
		}
	})
}
