package report

import "io"

// A WriteError says that stdout, stderr or the joblog cannot be written any
// more.
type WriteError struct {
	Stream string // stdout, stderr, joblog
	Err    error
}

func (e *WriteError) Error() string { return "write " + e.Stream + ": " + e.Err.Error() }

// Unwrap returns the cause, for errors.Is(err, syscall.EPIPE).
func (e *WriteError) Unwrap() error { return e.Err }

const bufferSize = 64 << 10

// Slices, because a writer might keep what it is given: each literal in a call
// would be an allocation.
var newline, tab = []byte{'\n'}, []byte{'\t'}

// A stream is stdout or stderr with a buffer. The first error stays in fail;
// from then on nothing is written.
type stream struct {
	name  string
	w     io.Writer
	fail  error  // nil or a *WriteError
	buf   []byte // not written yet
	bol   bool   // at the beginning of a line
	apart bool   // a line holds the output of one task only
	owner uint64 // the task whose output came last; 0: mpx itself

	progress *progress // whose line must give way; nil: it is elsewhere

	guard *commandGuard // nil: not in a job of GitHub Actions
	sent  []byte        // the last bytes written, for guard
}

// begin says whose output follows. Where tasks are kept apart by lines,
// another's unfinished line is ended first.
func (s *stream) begin(owner uint64) {
	if owner == s.owner {
		return
	}
	if s.apart {
		s.endLine()
	}
	s.owner = owner
}

func (s *stream) endLine() {
	if !s.bol {
		_, _ = s.Write(newline)
	}
}

// Write buffers p. The error is fail.
func (s *stream) Write(p []byte) (int, error) {
	if len(p) == 0 || s.fail != nil {
		return 0, s.fail
	}
	s.bol = p[len(p)-1] == '\n'
	if len(p) > s.room() {
		s.flush()
	}
	if len(p) >= bufferSize {
		s.send(p)
	} else if s.fail == nil {
		s.buf = append(s.buf, p...)
	}
	if s.fail != nil {
		return 0, s.fail
	}
	return len(p), nil
}

// ReadFrom spares io.Copy, on spilled output, a buffer and a copy.
func (s *stream) ReadFrom(from io.Reader) (done int64, err error) {
	for {
		if s.room() == 0 {
			s.flush()
		}
		if s.fail != nil {
			return done, s.fail
		}
		n, err := from.Read(s.buf[len(s.buf):cap(s.buf)])
		if n > 0 {
			s.buf = s.buf[:len(s.buf)+n]
			s.bol = s.buf[len(s.buf)-1] == '\n'
			done += int64(n)
		}
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

// room returns the free part of the buffer, which it makes when it is missing:
// many a run never writes to stderr.
func (s *stream) room() int {
	if s.buf == nil {
		s.buf = make([]byte, 0, bufferSize)
	}
	return cap(s.buf) - len(s.buf)
}

// flush writes what is buffered.
func (s *stream) flush() {
	if len(s.buf) > 0 {
		s.send(s.buf)
		s.buf = s.buf[:0]
	}
}

func (s *stream) send(p []byte) {
	if s.guard != nil {
		s.guard.watch(s, p)
	}
	s.put(p)
}

// put writes p, whatever is buffered.
func (s *stream) put(p []byte) {
	if s.fail != nil {
		return
	}
	if s.progress != nil {
		s.progress.erase()
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.fail = &WriteError{s.name, err}
	}
}
