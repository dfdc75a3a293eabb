package task

import (
	"bytes"
	"fmt"
)

// A stage makes tasks of records.
type stage interface {
	// next makes t the next task, except its number. It returns false if the
	// records that feed has are not enough; last says that there will be no
	// others. io.EOF: no task will follow, though feed may have records.
	next(t *Task, last bool) (bool, error)
}

func (s *Source) newStage() stage {
	spec := &s.spec
	p := picker{feed: s.feed, csv: spec.CSV, empty: spec.SkipEmpty, blank: spec.SkipBlank}
	switch {
	case spec.Span > 0:
		return newSpanner(p, spec)
	case spec.ToStdin:
		return newLump(p, spec)
	case len(s.rest) > 0:
		return &product{picker: p, rest: s.rest}
	case spec.Fill:
		return &filler{picker: p, room: spec.ArgBytes, jobs: spec.Jobs}
	case spec.MaxArgs > 1:
		return &several{picker: p, n: spec.MaxArgs}
	case s.split != nil:
		return &parted{picker: p, split: s.split}
	}
	return &single{p}
}

// A picker takes the records of a feed that are not to be skipped.
type picker struct {
	feed         feed
	csv          bool // a record may end in a CR, which is none of it
	empty, blank bool // skip such
}

func (p *picker) pick() (record, bool) {
	for {
		r, ok := p.feed.next()
		if !ok || !p.skips(r.raw[:r.n]) {
			return r, ok
		}
	}
}

func (p *picker) skips(text []byte) bool {
	if p.csv {
		text = bytes.TrimSuffix(text, []byte("\r"))
	}
	return p.empty && len(text) == 0 || p.blank && allBlank(text)
}

// single makes a task of each record.
type single struct{ picker }

func (s *single) next(t *Task, _ bool) (bool, error) {
	r, ok := s.pick()
	if ok {
		t.Values = One(r.text())
	}
	return ok, nil
}

// parted makes a task of each record, its columns the values.
type parted struct {
	picker
	packer
	split columns
}

func (s *parted) next(t *Task, _ bool) (bool, error) {
	r, ok := s.pick()
	if !ok {
		return false, nil
	}
	err := s.split(r.text(), &s.packer)
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.feed.where(), err)
	}
	t.Values, err = s.values()
	return err == nil, err
}

// several makes a task of each n records.
type several struct {
	picker
	packer
	n int
}

func (s *several) next(t *Task, last bool) (bool, error) {
	for s.len() < s.n {
		r, ok := s.pick()
		if !ok {
			break
		}
		s.add(r.text())
	}
	if n := s.len(); n == 0 || n < s.n && !last {
		return false, nil
	}
	var err error
	t.Values, err = s.values()
	return err == nil, err
}

// filler puts as many records into a task as its room holds. It reads ahead as
// much as all jobs take at once, so that the last tasks can be made of equal
// length.
type filler struct {
	picker
	packer
	room, jobs int
	ahead      [][]byte // records read
	cost       int      // of those
}

// argCost is the room that text takes as an argument: itself, the NUL after
// it and the pointer to it.
func argCost(text []byte) int { return len(text) + 1 + 8 }

func (s *filler) next(t *Task, last bool) (bool, error) {
	for s.cost/s.jobs < s.room {
		r, ok := s.pick()
		if !ok {
			break
		}
		s.ahead = append(s.ahead, r.text())
		s.cost += argCost(r.text())
	}
	n := len(s.ahead)
	if s.cost/s.jobs < s.room {
		if !last || n == 0 {
			return false, nil
		}
		n = (n + s.jobs - 1) / s.jobs
		s.jobs = max(s.jobs-1, 1)
	}
	s.put(n)
	var err error
	t.Values, err = s.values()
	return err == nil, err
}

// put packs up to n records, at least one, as far as there is room.
func (s *filler) put(n int) {
	used := 0
	for i, text := range s.ahead[:n] {
		c := argCost(text)
		if i > 0 && used+c > s.room {
			n = i
			break
		}
		used += c
		s.add(text)
	}
	clear(s.ahead[:n])
	s.ahead = s.ahead[n:]
	s.cost -= used
}
