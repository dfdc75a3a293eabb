package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mpx/internal/task"
)

// ErrNotEmpty is why OpenResults refuses a directory: results of two runs in
// one would be taken for those of one.
var ErrNotEmpty = errors.New("directory is not empty")

// Results is a directory that keeps what came of each task, in a directory of
// its own with the files stdout, stderr, record and status.json. The last is
// there once the others are complete, attempts too: a directory without it is of
// a task whose end was not saved. Attempts that were followed by another are kept
// in attempt-N below it.
type Results struct {
	dir  string
	root *os.Root // nothing is written outside, whatever tasks link there
	// resume says that the directory is of an earlier run, whose files a task
	// that runs again replaces.
	resume bool
	path   func(t *task.Task, slot int) []byte
	begun  map[string]uint64 // places where attempts stand of a task that goes on
	saved  seqSet            // with resume: tasks of this run that are complete
	// step, if set, is called before each change below dir: a test ends there, as
	// by a kill.
	step func()
}

// OpenResults makes dir, which must not hold anything yet unless resume says
// that this run goes on with an earlier one's. path returns a task's directory
// below dir; nil: its number.
func OpenResults(dir string, resume bool, path func(t *task.Task, slot int) []byte) (*Results, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make results directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open results directory: %w", err)
	}
	if err := checkEmpty(root); err != nil && !resume {
		root.Close()
		return nil, fmt.Errorf("open results directory %s: %w", dir, err)
	}
	return &Results{dir: dir, root: root, resume: resume, path: path, begun: map[string]uint64{}, saved: seqSet{}}, nil
}

func checkEmpty(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	switch _, err := d.Readdirnames(1); err {
	case io.EOF:
		return nil
	case nil:
		return ErrNotEmpty
	default:
		return err
	}
}

// Close lets go of the directory.
func (rs *Results) Close() error { return rs.root.Close() }

// attemptDir returns the directory of an attempt that was not the last.
func attemptDir(attempt uint32) string { return attemptName + strconv.Itoa(int(attempt)) }

const attemptName = "attempt-"

// place returns res's directory below the root.
func (rs *Results) place(res *task.Result) (string, error) {
	if rs.path == nil {
		return strconv.FormatUint(res.Seq, 10), nil
	}
	p := string(rs.path(&res.Task, res.Slot))
	switch {
	case p == "":
		return "", errors.New("its directory name is empty")
	case filepath.IsAbs(p):
		return "", fmt.Errorf("its directory %q is not below %s", p, rs.dir)
	case slices.Contains(strings.Split(p, "/"), ".."):
		return "", fmt.Errorf("its directory %q goes through \"..\"", p)
	case filepath.Clean(p) == ".":
		return "", fmt.Errorf("its directory %q is %s itself", p, rs.dir)
	}
	return filepath.Clean(p), nil
}

// A seqSet is a set of task numbers, a bit each: they are many, and lie together.
type seqSet map[uint64]uint64

func (s seqSet) add(n uint64)      { s[n/64] |= 1 << (n % 64) }
func (s seqSet) has(n uint64) bool { return s[n/64]&(1<<(n%64)) != 0 }
