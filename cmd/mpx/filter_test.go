package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// leakingFilter is a program: a filter that keeps 1 MB a record. At its end it
// writes its peak, in bytes, to a file of its own in the directory it is given.
func leakingFilter() {
	var kept [][]byte
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
		_, _ = os.Stdout.Write(line)
	}
	runtime.KeepAlive(kept)
	peak := []byte(strconv.FormatInt(peakOf(os.Getpid()), 10))
	if err := os.WriteFile(filepath.Join(os.Args[1], strconv.Itoa(os.Getpid())), peak, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// peakOf returns the most that pid has had resident, in bytes.
func peakOf(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(f[0], 10, 64)
	return n << 10
}

// A filter that leaks 1 MB a record stays under --max-worker-memory, and each of
// 2,000 records is answered once, in its place.
func TestFilterThatLeaks(t *testing.T) {
	const limit, records = 150 << 20, 2000
	var in bytes.Buffer
	for i := range records {
		fmt.Fprintln(&in, i+1)
	}
	dir := t.TempDir()
	c := exec.Command("mpx", "map", "-j", "2", "--initializer", "sleep 0.05", "--max-worker-memory", strconv.Itoa(limit),
		"--worker", "filter", "leaking-filter", dir)
	c.Env = append(os.Environ(), "MPX_PROGRESS=never")
	c.Stdin, c.Stderr = bytes.NewReader(in.Bytes()), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, in.Bytes()) {
		t.Errorf("the output is another: %d bytes, want %d", len(out), in.Len())
	}
	peaks, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if most := records / (limit >> 20); len(peaks) < most {
		t.Errorf("%d filters, want more than %d", len(peaks), most)
	}
	highest := int64(0)
	for _, p := range peaks {
		b, err := os.ReadFile(filepath.Join(dir, p.Name()))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if highest = max(highest, n); n > limit {
			t.Errorf("filter %s had %d MB resident, the limit is %d", p.Name(), n>>20, limit>>20)
		}
	}
	t.Logf("%d filters, at most %d MB resident", len(peaks), highest>>20)
}
