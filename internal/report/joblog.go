package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"mpx/internal/task"
)

// joblogHeader is the first line of a joblog: GNU parallel's format.
const joblogHeader = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

// joblogFields is how many fields a line has; the last may hold any byte but newline.
const joblogFields = 9

// JoblogMode says what an existing joblog is to OpenJoblog.
type JoblogMode uint8

// What to do with an existing joblog.
const (
	JoblogNew    JoblogMode = iota // refuse it, unless it is empty
	JoblogAppend                   // go on writing at its end
	JoblogResume                   // the same, and know what it says succeeded
)

// ErrJoblogExists is OpenJoblog's error for JoblogNew.
var ErrJoblogExists = errors.New("the joblog exists")

// A JoblogInUse is the error of OpenJoblog while another run writes the file.
type JoblogInUse struct{ PID int } // 0: not known

func (e *JoblogInUse) Error() string {
	if e.PID == 0 {
		return "another run is writing it"
	}
	return fmt.Sprintf("another run is writing it: process %d", e.PID)
}

// A Joblog is a file with a line a finished task, in GNU parallel's format. A
// line is written once the task's output has been: a run that is killed at any
// instant has logged no task whose output was not delivered, and leaves at most
// one torn line, the last, which the next run removes.
type Joblog struct {
	f       *os.File
	name    func(*task.Task) string // a task's command, the same in each run
	pending []joblogLine            // of tasks whose output is being written
	done    map[[16]byte]int        // JoblogResume: successes by command
	fail    error                   // the first of writing; what it cut stays the end of the file
	// Odd is how many lines of an existing joblog could not be read. Their tasks
	// are run again.
	Odd int
	// step, if set, is called before each write: a test ends there, as by a kill.
	step func()
}

// A joblogLine is a line to be written. Of a reply that may be taken back a copy is
// kept in replied.
type joblogLine struct {
	text    []byte
	replied *copyReplies // nil: it stands
}

// OpenJoblog opens the joblog path. ok are the exit statuses that are success;
// name returns the command by which a task is logged and recognised.
func OpenJoblog(path string, mode JoblogMode, ok []int, name func(*task.Task) string) (*Joblog, error) {
	how := os.O_RDWR | os.O_CREATE
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		how = os.O_WRONLY // whoever could read a pipe would not see its reader go
	}
	f, err := os.OpenFile(path, how, 0o666)
	if err != nil {
		return nil, fmt.Errorf("open joblog: %w", err)
	}
	l := &Joblog{f: f, name: name, done: map[[16]byte]int{}}
	if err := l.prepare(mode, ok); err != nil {
		f.Close()
		return nil, fmt.Errorf("open joblog %s: %w", path, err)
	}
	return l, nil
}

// prepare makes the file ours, mends its end and reads it.
func (l *Joblog) prepare(mode JoblogMode, ok []int) error {
	st, err := l.f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() { // a pipe, a terminal: there is nothing to mend
		_, err := io.WriteString(l.f, joblogHeader)
		return err
	}
	if err := lockJoblog(l.f); err != nil {
		return err
	}
	if st, err = l.f.Stat(); err != nil {
		return err
	}
	if mode == JoblogNew && st.Size() > 0 && !l.empty() {
		return ErrJoblogExists
	}
	end, err := l.read(mode == JoblogResume, ok)
	if err != nil {
		return err
	}
	if err := l.f.Truncate(end); err != nil {
		return err
	}
	if _, err := l.f.Seek(end, io.SeekStart); err != nil || end > 0 {
		return err
	}
	_, err = io.WriteString(l.f, joblogHeader)
	return err
}

// empty reports whether the file has a header and no more.
func (l *Joblog) empty() bool {
	b := make([]byte, len(joblogHeader)+1)
	n, err := l.f.ReadAt(b, 0)
	return err == io.EOF && string(b[:n]) == joblogHeader
}

// File returns the file, for workers to keep open: as long as one lives, no
// other run gets past OpenJoblog.
func (l *Joblog) File() *os.File { return l.f }

// Done reports whether an earlier run has done t, once for each of its
// successes in the joblog.
func (l *Joblog) Done(t *task.Task) bool {
	key := joblogKey(l.command(t))
	if l.done[key] == 0 {
		return false
	}
	if l.done[key]--; l.done[key] == 0 {
		delete(l.done, key)
	}
	return true
}

func joblogKey(command []byte) (key [16]byte) {
	sum := sha256.Sum256(command)
	return [16]byte(sum[:])
}

// command returns t's command as it stands in the joblog: newlines are NUL, as
// GNU parallel writes them. A standard input is told by its digest: it is not in
// the command, but tasks differ by it.
func (l *Joblog) command(t *task.Task) []byte {
	b := []byte(l.name(t))
	if t.FromStdin {
		b = fmt.Appendf(b, " # stdin sha256:%x", sha256.Sum256(t.Stdin))
	}
	return bytes.ReplaceAll(b, []byte{'\n'}, []byte{0})
}

// add takes the outcome of a task that has written received bytes, to be logged
// once they are out. A task that was not run has no line: it is still to be done.
func (l *Joblog) add(res *task.Result, received int64, replied *copyReplies) {
	if res.Start.IsZero() || res.Status == task.Skipped {
		return
	}
	exit, signal := joblogEnd(res)
	b := strconv.AppendUint(nil, res.Seq, 10)
	b = fmt.Appendf(b, "\t:\t%d.%03d\t%10.3f\t0\t%d\t%d\t%d\t",
		res.Start.Unix(), res.Start.Nanosecond()/int(time.Millisecond), res.Elapsed.Seconds(), received, exit, signal)
	b = append(append(b, l.command(&res.Task)...), '\n')
	l.pending = append(l.pending, joblogLine{b, replied})
}

// joblogEnd returns Exitval and Signal.
func joblogEnd(res *task.Result) (exit, signal int) {
	switch res.Status {
	case task.Signalled:
		return 0, res.Signal
	case task.TimedOut, task.Cancelled:
		return -1, int(unix.SIGTERM)
	case task.Lost:
		return -1, cmp.Or(res.Signal, int(unix.SIGKILL))
	}
	return res.Exit, 0
}

// commit writes the lines of add, each by a write of its own. The error of writing
// comes again from then on; another is that of keeping a copy.
func (l *Joblog) commit() (err error) {
	for i, line := range l.pending {
		if l.write(line.text) == nil && line.replied != nil {
			err = cmp.Or(err, line.replied.lines.add(line.text))
		}
		l.pending[i] = joblogLine{}
	}
	l.pending = l.pending[:0]
	return cmp.Or(l.fail, err)
}

// takeBack logs the task of line, which is the log's, once more: it is not done.
// Nothing that mpx starts ends so: what it ends itself has a signal.
func (l *Joblog) takeBack(line []byte) error {
	f := bytes.SplitN(line, []byte{'\t'}, joblogFields)
	f[6], f[7] = []byte("-1"), []byte("0")
	return l.write(bytes.Join(f, []byte{'\t'}))
}

func (l *Joblog) write(line []byte) error {
	if l.fail != nil {
		return l.fail
	}
	if l.step != nil {
		l.step()
	}
	if _, err := l.f.Write(line); err != nil {
		l.fail = &WriteError{"joblog", err}
	}
	return l.fail
}

// close lets go of the file.
func (l *Joblog) close() error {
	if err := l.f.Close(); err != nil {
		return fmt.Errorf("close joblog: %w", err)
	}
	return nil
}
