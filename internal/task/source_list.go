package task

import (
	"fmt"
	"io"
)

// A list is a feed from words of the command line.
type list struct {
	records []record
	at      int // how many of them were taken
	header  bool
}

// newList returns the feed of words, as if delim ended each.
func newList(words []string, delim []byte, header bool) *list {
	size := 0
	for _, w := range words {
		size += len(w) + len(delim)
	}
	l := &list{records: make([]record, len(words)), header: header}
	data := make([]byte, 0, size)
	for i, w := range words {
		start := len(data)
		data = append(append(data, w...), delim...)
		l.records[i] = record{data[start:len(data):len(data)], len(w)}
	}
	if header && len(words) > 0 {
		l.at = 1
	}
	return l
}

func (l *list) next() (record, bool) {
	if l.at == len(l.records) {
		return record{}, false
	}
	l.at++
	return l.records[l.at-1], true
}

func (l *list) fill() error { return io.EOF }

func (l *list) title() (record, bool) {
	if !l.header || len(l.records) == 0 {
		return record{}, false
	}
	return l.records[0], true
}

func (l *list) where() string { return fmt.Sprintf("arguments: value %d", l.at) }

func (l *list) close() error { return nil }
