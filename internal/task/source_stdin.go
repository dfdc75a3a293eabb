package task

import (
	"math"
	"slices"
)

// lump makes tasks whose standard input is records as they were read.
type lump struct {
	picker
	max   int   // records a task
	block int64 // bytes a task, at most unless a single record is longer
	delim []byte

	buf   []byte // the task's standard input
	n     int    // records in it
	bare  bool   // what buf ends with lacks its delimiter
	dull  bool   // all records in it are such as to be skipped
	kept  record // one that did not fit into the task before
	keeps bool
}

func newLump(p picker, spec *SourceSpec) *lump {
	l := &lump{picker: p, max: spec.MaxArgs, block: math.MaxInt64, delim: spec.Delim}
	if spec.Block > 0 {
		l.max, l.block = math.MaxInt, spec.Block
	}
	return l
}

func (l *lump) next(t *Task, last bool) (bool, error) {
	for {
		full := l.collect()
		if l.n == 0 || !full && !last {
			return false, nil
		}
		skip := l.dull
		t.Stdin, t.FromStdin = l.buf, true
		l.buf, l.n, l.bare = nil, 0, false
		if !skip {
			return true, nil
		}
	}
}

// collect adds records to the task until it is full or feed has none.
func (l *lump) collect() (full bool) {
	for l.n < l.max && int64(len(l.buf)) < l.block {
		r, ok := l.kept, l.keeps
		if !ok {
			r, ok = l.feed.next()
		}
		if !ok {
			return false
		}
		l.keeps = l.n > 0 && int64(len(l.buf)+len(r.raw)) > l.block
		if l.keeps {
			l.kept = r
			return true
		}
		l.kept = record{}
		l.put(r)
	}
	return true
}

// put adds r to the task. A task of one record needs no copy.
func (l *lump) put(r record) {
	dull := l.skips(r.raw[:r.n])
	if l.n == 0 {
		l.dull = dull
		if head, ok := l.feed.title(); ok {
			l.write(head)
		}
	}
	l.dull = l.dull && dull
	l.n++
	l.write(r)
}

func (l *lump) write(r record) {
	bare := len(r.raw) == r.n
	if l.buf == nil {
		l.buf, l.bare = r.raw[:len(r.raw):len(r.raw)], bare
		return
	}
	if l.bare {
		// The last record of one file and the first of the next are two.
		l.buf = append(l.buf, l.delim...)
	}
	if n := len(r.raw); n > cap(l.buf)-len(l.buf) {
		l.buf = slices.Grow(l.buf, max(n, len(l.buf)))
	}
	l.buf = append(l.buf, r.raw...)
	l.bare = bare
}
