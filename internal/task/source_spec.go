package task

import (
	"bytes"
	"io"
)

// Defaults of SourceSpec.
const (
	maxBatch = 512
	argBytes = 128 << 10 // as xargs
)

// A SourceSpec says where tasks come from. The zero spec makes a task of each
// line of Stdin.
type SourceSpec struct {
	Stdin  io.Reader // read without Files and Groups, or where one is "-"; nil: empty
	Files  []string  // read one after another; with Groups, they are the first group together
	Groups []Group

	Delim  []byte // ends records of stdin and files; empty: a newline
	Colsep []byte // parts a record into values; " ": runs of blanks and tabs, as awk; empty: none
	CSV    bool   // records are CSV (RFC 4180), parted at Colsep or commas
	Header bool   // the first record of each input, or first value of each group, is no record but names

	MaxArgs  int  // records a task; 0: one
	NoRecord bool // a record makes a task but is not in it
	Fill     bool // as many records a task as ArgBytes hold; the last ones are shared out evenly over Jobs
	ArgBytes int  // of one task's values, each counting its length and 9; 0: 128 KiB
	Jobs     int

	// ToStdin makes records the task's Stdin instead of its Values: MaxArgs of
	// them or, when Block is set, as many whole ones as Block bytes hold, at
	// least one. A header goes before them in each task.
	ToStdin bool
	Block   int64

	// Span makes a task of as many records as have come and fit in about so many
	// bytes (see Task.Records), each ended by SpanDelim. 0: a task is a record.
	Span      int
	SpanDelim byte

	// Skipped are: empty records (and combinations of groups with an empty
	// value); those of blanks and tabs alone. With ToStdin, a task is skipped
	// if all its records are such.
	SkipEmpty, SkipBlank bool

	MaxBatch int // tasks that Next returns at most; 0: 512
}

func (s *SourceSpec) setDefaults() {
	if s.Stdin == nil {
		s.Stdin = bytes.NewReader(nil)
	}
	if len(s.Delim) == 0 {
		s.Delim = []byte{'\n'}
	}
	if s.CSV && len(s.Colsep) == 0 {
		s.Colsep = []byte{','}
	}
	s.MaxArgs = max(s.MaxArgs, 1)
	s.Jobs = max(s.Jobs, 1)
	if s.ArgBytes <= 0 {
		s.ArgBytes = argBytes
	}
	if s.MaxBatch <= 0 {
		s.MaxBatch = maxBatch
	}
}

// columns returns how a record is parted, nil if it is not.
func (s *SourceSpec) columns() columns {
	switch {
	case s.CSV:
		return csvColumns(s.Colsep[0])
	case string(s.Colsep) == " ":
		return blankColumns
	case len(s.Colsep) > 0:
		return textColumns(s.Colsep)
	}
	return nil
}

func (s *SourceSpec) splitter() splitter {
	switch {
	case s.CSV:
		return &csvSplit{comma: s.Colsep[0]}
	case len(s.Delim) == 1:
		return byteSplit(s.Delim[0])
	}
	return textSplit(s.Delim)
}
