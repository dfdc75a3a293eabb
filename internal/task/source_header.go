package task

import (
	"fmt"
	"io"
)

// Names returns the names that the header gives to values, nil without one.
// It reads until it has them.
func (s *Source) Names() ([]string, error) {
	if !s.spec.Header {
		return nil, nil
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	head, ok := s.feed.title()
	for ; !ok; head, ok = s.feed.title() {
		switch err := s.feed.fill(); {
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	if s.split == nil {
		names := []string{string(head.text())}
		for _, h := range s.rest {
			names = append(names, h.name)
		}
		return names, nil
	}
	return s.columnNames(head)
}

func (s *Source) columnNames(head record) ([]string, error) {
	var p packer
	if err := s.split(head.text(), &p); err != nil {
		return nil, fmt.Errorf("%s: %w", s.feed.where(), err)
	}
	v, err := p.values()
	if err != nil {
		return nil, err
	}
	names := make([]string, v.Len())
	for i := range names {
		names[i] = string(v.At(i))
	}
	return names, nil
}

// Columns returns how many values each task has where that is known without
// reading, else 0 (columns, several records a task, or no values at all).
func (s *Source) Columns() int {
	if s.split != nil || s.spec.joins() || s.spec.NoRecord || s.spec.ToStdin {
		return 0
	}
	return 1 + len(s.rest)
}
