package report

import (
	"bytes"
)

// A tagger writes one task's output to a stream, each line after the tag.
type tagger struct {
	s      *stream
	tagged bool
	tag    []byte
}

// Write is for begin's owner; the error is that of the stream.
func (t *tagger) Write(p []byte) (int, error) {
	if !t.tagged {
		return t.s.Write(p)
	}
	for rest := p; len(rest) > 0 && t.s.fail == nil; {
		if t.s.bol {
			_, _ = t.s.Write(t.tag)
			_, _ = t.s.Write(tab)
		}
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		_, _ = t.s.Write(line)
		rest = rest[len(line):]
	}
	if t.s.fail != nil {
		return 0, t.s.fail
	}
	return len(p), nil
}
