package task

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

const (
	// blockSize is how many bytes are allocated together for records to alias.
	// It is also what one held record may keep alive, so it is not larger.
	blockSize = 256 << 10
	// minRead is the least room a read is given: a block with less is left, so
	// that reads do not get ever shorter towards its end.
	minRead = 32 << 10
	// maxRecord bounds the memory that an input without delimiters can take.
	maxRecord = 1<<31 - 1
)

// A feed hands out records one after another.
type feed interface {
	// next returns the next record that is already here; false: fill first.
	next() (record, bool)
	// fill gets more, waiting if it must, but for no more than one read.
	// io.EOF: next will have no more. To be called only after next said false.
	fill() error
	// title returns the header record; false: fill first.
	title() (record, bool)
	// where names the record that next returned last, for errors.
	where() string
	close() error
}

// A stream is a feed from files. Records alias its blocks: a block is written
// once and never again, so nothing is copied but what a block's end cut off,
// and short reads fill one block after one another.
type stream struct {
	inputs []input // those not yet at their end; the first is being read
	split  splitter
	header bool // the first record of each input is no record but names columns
	csv    bool // the inputs are CSV: a byte order mark is no part of them
	limit  int  // bytes of the longest record allowed

	buf    []byte // the block
	pos    int    // where in buf the next record begins
	seen   int    // bytes from pos on that hold no delimiter
	opened bool   // inputs[0] was read from
	begun  bool   // its byte order mark, if it has one, is behind pos
	ended  bool   // inputs[0] has no more bytes
	due    bool   // the next record is a header
	number int    // records cut from inputs[0]
	head   record // the first input's header
	hasTop bool   // head is set
	err    error  // what ended the reading early
}

func (s *stream) next() (record, bool) {
	if s.due && !s.takeHeader() {
		return record{}, false
	}
	return s.cut()
}

// cut takes the record that buf begins with, if all of it is here.
func (s *stream) cut() (record, bool) {
	data := s.buf[s.pos:]
	if len(data) == 0 || s.csv && !s.begun && !s.begin(data) {
		return record{}, false
	}
	data = s.buf[s.pos:]
	end, next := s.split.find(data, s.seen)
	if next == 0 {
		if !s.ended {
			s.seen = end
			return record{}, false
		}
		end, next = len(data), len(data)
	}
	s.pos += next
	s.seen = 0
	s.number++
	if cap(s.buf) > blockSize {
		s.moveOn()
	}
	return record{data[:next:next], end}, true
}

// byteOrderMark is what spreadsheets put at the beginning of CSV in UTF-8.
const byteOrderMark = "\ufeff"

// begin passes over the byte order mark of inputs[0], if it begins with one, and
// reports whether that can be told yet, and a record may follow.
func (s *stream) begin(data []byte) bool {
	if len(data) < len(byteOrderMark) && !s.ended && strings.HasPrefix(byteOrderMark, string(data)) {
		return false
	}
	s.begun = true
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		s.pos += len(byteOrderMark)
	}
	return s.pos < len(s.buf)
}

// takeHeader cuts the header of inputs[0]. Inputs whose columns differ would
// give their values to the wrong names.
func (s *stream) takeHeader() bool {
	r, ok := s.cut()
	if !ok {
		return false
	}
	s.due = false
	switch {
	case !s.hasTop:
		s.head, s.hasTop = record{bytes.Clone(r.raw), r.n}, true
	case !bytes.Equal(s.withoutCR(s.head), s.withoutCR(r)):
		s.err = fmt.Errorf("%s: the header differs from that of the first input", s.inputs[0].name)
		s.pos = len(s.buf)
		return false
	}
	return true
}

// withoutCR returns the text of r, in CSV without the CR that its line end may have.
func (s *stream) withoutCR(r record) []byte {
	if s.csv {
		return bytes.TrimSuffix(r.text(), []byte("\r"))
	}
	return r.text()
}

func (s *stream) title() (record, bool) {
	if s.due {
		s.takeHeader()
	}
	return s.head, s.hasTop
}

func (s *stream) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.ended {
		s.inputs[0].close() // read to its end: an error means nothing now
		s.inputs = s.inputs[1:]
		s.opened, s.begun, s.ended = false, false, false
	}
	if len(s.inputs) == 0 {
		return io.EOF
	}
	if !s.opened {
		s.opened, s.due, s.number = true, s.header, 0
	}
	if len(s.buf)-s.pos > s.limit {
		s.err = fmt.Errorf("read %s: record %d is longer than %d bytes", s.inputs[0].name, s.number+1, s.limit)
		return s.err
	}
	s.makeRoom()
	n, err := s.inputs[0].read(s.buf[len(s.buf):min(cap(s.buf), len(s.buf)+blockSize)])
	s.buf = s.buf[:len(s.buf)+n]
	switch {
	case err == io.EOF:
		s.ended = true
	case err != nil:
		s.err = err
	}
	return s.err
}

// makeRoom makes sure that buf has room for a read worth its call. What is
// unfinished moves to the new block, of twice its size at least, so that each
// byte of a huge record moves about once.
func (s *stream) makeRoom() {
	if cap(s.buf)-len(s.buf) >= minRead {
		return
	}
	rest := s.buf[s.pos:]
	size := blockSize
	if len(rest) > blockSize/2 {
		size = 2 * len(rest)
	}
	s.buf = append(make([]byte, 0, size), rest...)
	s.pos = 0
}

// moveOn leaves an oversized block to the record it was made for, lest small
// ones keep it alive. What moves is no more than the last read.
func (s *stream) moveOn() {
	rest := s.buf[s.pos:]
	s.buf, s.pos = nil, 0
	if len(rest) > 0 {
		s.buf = append(make([]byte, 0, max(blockSize, len(rest))), rest...)
	}
}

func (s *stream) where() string {
	return fmt.Sprintf("%s: record %d", s.inputs[0].name, s.number)
}

func (s *stream) close() error {
	if len(s.inputs) == 0 {
		return nil
	}
	return s.inputs[0].close()
}
