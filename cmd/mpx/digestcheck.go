package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"mpx/internal/task"
	"mpx/internal/worker"
)

// A checkSource yields the paths of a list of checksums, each with its sum as a
// second value. The list is one that sha512sum -c takes: with comments, lines that end
// in CR-LF, and lines of sha512sum --tag.
type checkSource struct {
	src *task.Source
	d   *digestRun
}

// Next implements pool.Source.
func (c *checkSource) Next() ([]task.Task, error) {
	for {
		tasks, err := c.src.Next()
		if err != nil {
			return nil, err
		}
		keep := tasks[:0]
		for i := range tasks {
			line := tasks[i].Values.At(0)
			if line[0] == '#' || string(line) == "\r" {
				continue
			}
			l, ok := parseSumLine(line, c.d.o.zero)
			switch {
			case !ok:
				c.d.malformed(line, "not a line of checksum and name")
			case l.algorithm != "" && !strings.EqualFold(l.algorithm, c.d.o.algorithm):
				c.d.malformed(line, "a checksum by "+l.algorithm+", not by "+c.d.o.algorithm)
			case len(l.sum) != 2*worker.Algorithms[c.d.o.algorithm]().Size():
				c.d.malformed(line, fmt.Sprintf("a checksum of %d digits, not by %s", len(l.sum), c.d.o.algorithm))
			default:
				keep = append(keep, task.Task{Values: task.List(l.path, l.sum)})
			}
		}
		if len(keep) > 0 {
			return keep, nil
		}
	}
}

// algorithmOf returns the algorithm whose checksums have so many hexadecimal digits;
// "": none.
func algorithmOf(digits int) string {
	for name, h := range worker.Algorithms {
		if 2*h().Size() == digits {
			return name
		}
	}
	return ""
}

// A checkLine is a line of a list of checksums.
type checkLine struct {
	path, sum []byte
	algorithm string // as the line names it; "": it does not
}

// parseSumLine reads "SUM  NAME", "SUM *NAME", "ALGORITHM (NAME) = SUM" and the
// escaped forms of these. With zero, nothing is escaped, and a CR at the end belongs
// to the name.
func parseSumLine(line []byte, zero bool) (l checkLine, ok bool) {
	if !zero {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	line = bytes.TrimLeft(line, " \t")
	escaped := !zero && bytes.HasPrefix(line, []byte("\\"))
	if escaped {
		line = line[1:]
	}
	if l, ok = parseTagged(line); !ok {
		l.sum, l.path, ok = bytes.Cut(line, []byte(" "))
		ok = ok && isSum(l.sum)
		if len(l.path) > 1 && (l.path[0] == ' ' || l.path[0] == '*') {
			l.path = l.path[1:]
		}
	}
	if !ok || len(l.path) == 0 {
		return checkLine{}, false
	}
	if escaped {
		l.path = []byte(strings.NewReplacer("\\\\", "\\", "\\n", "\n", "\\r", "\r").Replace(string(l.path)))
	}
	return l, true
}

// parseTagged reads "ALGORITHM (NAME) = SUM", as the BSDs write it; openssl leaves out
// the first two blanks.
func parseTagged(line []byte) (l checkLine, ok bool) {
	algorithm, rest, ok := bytes.Cut(line, []byte("("))
	algorithm = bytes.TrimSuffix(algorithm, []byte(" "))
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 || len(algorithm) == 0 || bytes.ContainsAny(algorithm, " \t") {
		return l, false
	}
	sum, ok := bytes.CutPrefix(bytes.TrimLeft(rest[end+1:], " \t"), []byte("="))
	sum = bytes.TrimLeft(sum, " \t")
	return checkLine{path: rest[:end], sum: sum, algorithm: string(algorithm)}, ok && isSum(sum)
}

// isSum reports whether b is in hexadecimal, and as long as a checksum.
func isSum(b []byte) bool {
	if len(b) < 32 {
		return false
	}
	_, err := hex.Decode(make([]byte, len(b)/2), b)
	return err == nil
}
