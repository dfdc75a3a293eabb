package task

import (
	"bytes"
)

// maxSpan is the most records of a span.
const maxSpan = 4096

// spanner makes spans of the records that have come: what a filter reads.
type spanner struct {
	picker
	size   int // bytes of a span; one longer record is a task by itself
	delim  byte
	direct *stream // records may be taken from it as they stand; nil: one by one
	kept   record  // one that did not fit into the span before
	keeps  bool
}

func newSpanner(p picker, spec *SourceSpec) *spanner {
	s := &spanner{picker: p, size: spec.Span, delim: spec.SpanDelim}
	f, ok := p.feed.(*stream)
	if same := bytes.Equal(spec.Delim, []byte{spec.SpanDelim}); ok && same && !p.empty && !p.blank {
		s.direct = f
	}
	return s
}

func (s *spanner) next(t *Task, _ bool) (bool, error) {
	if s.direct != nil && !s.keeps && !s.direct.due {
		if raw, n := s.direct.take(s.size, s.delim); n > 0 {
			t.Stdin, t.FromStdin, t.Records = raw, true, n
			return true, nil
		}
	}
	return s.gather(t), nil
}

// gather makes t of records taken one by one.
func (s *spanner) gather(t *Task) bool {
	for n := 0; ; n++ {
		r, ok := s.kept, s.keeps
		if !ok {
			r, ok = s.pick()
		}
		s.kept, s.keeps = record{}, false
		odd := ok && (len(r.text()) >= s.size || bytes.IndexByte(r.text(), s.delim) >= 0)
		switch {
		case n == 0 && !ok:
			return false
		case n == 0 && odd: // only a task of its own can fail alone
			t.Values = One(r.text())
			return true
		case !ok || odd || n == maxSpan || len(t.Stdin)+r.n >= s.size:
			s.kept, s.keeps = r, ok
			t.Records = n
			return true
		}
		t.FromStdin = true
		t.Stdin = append(append(t.Stdin, r.text()...), s.delim)
	}
}

// take returns as many whole records as stand in about size bytes of the block,
// as they are, and how many.
func (s *stream) take(size int, delim byte) (raw []byte, n int) {
	data := s.buf[s.pos:]
	if cap(s.buf) > blockSize || len(data) <= s.seen {
		return nil, 0 // a block that was made for one record, or nothing new
	}
	data = data[:min(len(data), size)]
	end := bytes.LastIndexByte(data, delim) + 1
	if end == 0 {
		return nil, 0
	}
	if n = bytes.Count(data[:end], []byte{delim}); n > maxSpan {
		n = maxSpan
		end = EndOf(data, n, delim)
	}
	s.pos += end
	s.seen = 0
	s.number += n
	return data[:end:end], n
}
