package task

import (
	"cmp"
	"io"
	"slices"
)

// A Source turns input into tasks, as they are asked for. It is not safe for
// use by several goroutines.
type Source struct {
	spec  SourceSpec
	feed  feed // of the first or only source
	split columns
	rest  []*held // the other sources
	stage stage

	seq   uint64
	dry   error  // why feed gets nothing more: io.EOF, or what went wrong
	err   error  // what Next says once the tasks made are handed out
	batch []Task // being made
}

// OpenSource returns the source that spec describes. What makes no sense is a
// UsageError; a file that cannot be read is an error that names it. Nothing is
// read yet.
func OpenSource(spec SourceSpec) (*Source, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	spec.setDefaults()
	s := &Source{spec: spec}
	for _, g := range s.openFirst() {
		s.rest = append(s.rest, &held{feed: s.openGroup(g), linked: g.Linked})
	}
	s.split = spec.columns()
	s.stage = s.newStage()
	return s, nil
}

// openFirst sets the feed of the first source and returns the other groups.
func (s *Source) openFirst() []Group {
	if len(s.spec.Files) == 0 && len(s.spec.Groups) > 0 {
		s.feed = s.openGroup(s.spec.Groups[0])
		return s.spec.Groups[1:]
	}
	files := s.spec.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	s.feed = s.openFiles(files...)
	return s.spec.Groups
}

func (s *Source) openGroup(g Group) feed {
	if g.IsFile {
		return s.openFiles(g.File)
	}
	return newList(g.Values, s.spec.Delim, s.spec.Header)
}

func (s *Source) openFiles(names ...string) *stream {
	f := &stream{split: s.spec.splitter(), header: s.spec.Header, csv: s.spec.CSV, limit: maxRecord}
	for _, name := range names {
		if name == "-" {
			f.inputs = append(f.inputs, input{name: "stdin", r: s.spec.Stdin})
		} else {
			f.inputs = append(f.inputs, input{name: name})
		}
	}
	return f
}

// load reads the sources that are held in memory.
func (s *Source) load() error {
	for _, h := range s.rest {
		if err := h.load(); err != nil {
			return err
		}
	}
	return nil
}

// Next returns at least one task and at most MaxBatch. It waits for input
// only while it has none: what one read brought is handed out before the next,
// however slow the producer. io.EOF is the end; other errors name the input
// and come after the tasks before them.
func (s *Source) Next() ([]Task, error) {
	if err := s.load(); err != nil {
		return nil, err
	}
	for {
		if s.err == nil {
			s.gather()
		}
		if len(s.batch) > 0 {
			return s.takeBatch(), nil
		}
		if s.err != nil {
			return nil, s.err
		}
		s.dry = s.feed.fill()
	}
}

// takeBatch returns the tasks made, in no more memory than they need.
func (s *Source) takeBatch() []Task {
	tasks := s.batch
	if len(tasks) == s.spec.MaxBatch {
		s.batch = make([]Task, 0, s.spec.MaxBatch)
		return tasks
	}
	tasks = slices.Clone(tasks)
	clear(s.batch) // lest they keep their blocks alive
	s.batch = s.batch[:0]
	return tasks
}

// gather makes tasks from what has been read.
func (s *Source) gather() {
	for len(s.batch) < s.spec.MaxBatch {
		s.batch = append(s.batch, Task{})
		t := &s.batch[len(s.batch)-1]
		made, err := s.stage.next(t, s.dry == io.EOF)
		if !made {
			s.batch = s.batch[:len(s.batch)-1]
			s.err = cmp.Or(err, s.dry)
			return
		}
		t.Seq = s.seq + 1
		s.seq += uint64(t.N())
		if s.spec.NoRecord {
			t.Values = Values{}
		}
	}
}

// Close closes the files that are open; Stdin is the caller's.
func (s *Source) Close() error {
	err := s.feed.close()
	for _, h := range s.rest {
		err = cmp.Or(err, h.feed.close())
	}
	return err
}
