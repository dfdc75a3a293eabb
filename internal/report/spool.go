package report

import (
	"bytes"

	"mpx/internal/task"
)

// A spool is text that grows with a run and is needed at its end: it is in memory
// while it is small, else in a store.
type spool struct {
	store *task.Store
	body  task.Output
	buf   []byte // not in body yet
}

// grow takes in that buf has been added to. Errors are those of the store.
func (s *spool) grow() error {
	if len(s.buf) < bufferSize {
		return nil
	}
	err := s.body.Append(s.store, s.buf)
	if s.buf = s.buf[:0]; cap(s.buf) > maxScratch {
		s.buf = nil
	}
	return err
}

// add appends text. Errors are those of the store.
func (s *spool) add(text ...[]byte) error {
	for _, t := range text {
		s.buf = append(s.buf, t...)
	}
	return s.grow()
}

// each calls f with each part of the text, with the byte end that ends it. The first
// error is f's, or one of reading the store.
func (s *spool) each(end byte, f func([]byte) error) error {
	c := &cutter{end: end, f: f}
	if _, err := s.body.WriteTo(c); err != nil {
		return err
	}
	_, err := c.Write(s.buf)
	return err
}

func (s *spool) release() {
	s.body.Release()
	s.buf = nil
}

// A cutter calls f with each part of what is written to it that end ends.
type cutter struct {
	end  byte
	f    func([]byte) error
	part []byte // the beginning of one
}

func (c *cutter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, c.end) + 1
		if i == 0 {
			c.part = append(c.part, rest...)
			break
		}
		part := rest[:i]
		if len(c.part) > 0 {
			c.part = append(c.part, part...)
			part, c.part = c.part, c.part[:0]
		}
		if err := c.f(part); err != nil {
			return 0, err
		}
		rest = rest[i:]
	}
	return len(p), nil
}
