package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// print writes a line for each result. Its error is stdout's, or the pool's.
func (d *digestRun) print(it *pool.Iterator) error {
	for {
		if !it.Ready() {
			if err := d.out.Flush(); err != nil {
				return err
			}
		}
		r, err := it.Next()
		if err == io.EOF {
			return d.out.Flush()
		}
		if err != nil {
			return err
		}
		if err := d.line(&r); err != nil {
			return err
		}
		r.Release()
	}
}

// line prints one result.
func (d *digestRun) line(r *task.Result) error {
	path := string(r.Values.At(0))
	if r.Status != task.OK {
		why, _ := r.Stderr.Mem()
		if r.Note != "" {
			why = []byte(r.Note)
		}
		if r.Status != task.Cancelled {
			d.complain(path, string(why))
		}
		if r.Values.Len() == 2 {
			return d.verdict(path, "FAILED open or read")
		}
		return nil
	}
	sum, _ := r.Stdout.Mem()
	d.good++
	if r.Values.Len() == 2 {
		if bytes.EqualFold(sum, r.Values.At(1)) {
			return d.verdict(path, "OK")
		}
		d.differ++
		return d.verdict(path, "FAILED")
	}
	return d.sumLine(path, sum)
}

// sumLine prints a line as sha512sum does: a name with a backslash, a newline or
// a carriage return is escaped, and says so by a backslash before the line.
func (d *digestRun) sumLine(path string, sum []byte) error {
	if d.o.zero {
		_, err := fmt.Fprintf(d.out, "%s  %s\x00", sum, path)
		return err
	}
	mark, name := escapeName(path)
	_, err := fmt.Fprintf(d.out, "%s%s  %s\n", mark, sum, name)
	return err
}

func (d *digestRun) verdict(path, word string) error {
	mark, name := escapeName(path)
	_, err := fmt.Fprintf(d.out, "%s%s: %s\n", mark, name, word)
	return err
}

func escapeName(path string) (mark, name string) {
	if !strings.ContainsAny(path, "\\\n\r") {
		return "", path
	}
	return "\\", strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r").Replace(path)
}

// complain reports a file that cannot be read.
func (d *digestRun) complain(path, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed++
	fmt.Fprintf(d.a.says, "mpx: %s: %s\n", task.Quote(path), why)
}

// malformed reports a line of --check that cannot be read.
func (d *digestRun) malformed(line []byte, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bad++
	if l, ok := parseSumLine(line, d.o.zero); ok {
		d.likely = algorithmOf(len(l.sum))
	}
	fmt.Fprintf(d.a.says, "mpx: %s: %s\n", task.Quote(string(line)), why)
}

func (d *digestRun) notice(note, hint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.a.says, "mpx: %s\n", note)
	if hint != "" {
		fmt.Fprintf(d.a.says, "mpx: hint: %s\n", hint)
	}
}
