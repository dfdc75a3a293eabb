package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A terminal is a pseudo-terminal and what a person sees on it.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	over   chan struct{} // closed when nobody writes any more

	mu      sync.Mutex // guards the following
	columns int
	rows    []string // the last one is where the cursor is
	raw     strings.Builder
	pending string   // the beginning of an escape sequence
	drawn   []string // lines that were drawn after a carriage return
	wrapped bool     // some line was wider than the terminal
}

func newTerminal(t *testing.T, columns int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no pseudo-terminal: ", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, master: master, slave: slave, over: make(chan struct{}), rows: []string{""}}
	s.resize(columns)
	t.Cleanup(func() { master.Close() })
	return s
}

func (s *terminal) resize(columns int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.columns = columns
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		s.t.Fatal(err)
	}
}

// start starts cmd with the terminal as its own, and as its stdout and stderr
// where it has none.
func (s *terminal) start(cmd *exec.Cmd) {
	s.t.Helper()
	if cmd.Stdout == nil {
		cmd.Stdout = s.slave
	}
	cmd.Stderr = s.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.slave.Close()
	go s.read()
}

// read takes in what is written, until the end, which is EIO.
func (s *terminal) read() {
	defer close(s.over)
	b := make([]byte, 4096)
	for {
		n, err := s.master.Read(b)
		s.mu.Lock()
		s.show(string(b[:n]))
		s.mu.Unlock()
		if errors.Is(err, syscall.EIO) || err != nil {
			return
		}
	}
}

// show does what a terminal does with text, carriage returns, newlines, and the
// sequences for erasing and colours.
func (s *terminal) show(text string) {
	s.raw.WriteString(text)
	text, s.pending = s.pending+text, ""
	row, column := len(s.rows)-1, len([]rune(s.rows[len(s.rows)-1]))
	for len(text) > 0 {
		switch {
		case text[0] == '\r':
			column, text = 0, text[1:]
		case text[0] == '\n':
			s.rows, row, column, text = append(s.rows, ""), row+1, 0, text[1:]
		case text[0] == 0x1b:
			end := strings.IndexAny(text, "Km")
			if end < 0 {
				s.pending = text
				return
			}
			if text[end] == 'K' {
				s.rows[row] = string([]rune(s.rows[row])[:column])
				if column > 0 {
					s.drawn = append(s.drawn, s.rows[row])
				}
			}
			text = text[end+1:]
		default:
			c := []rune(text)[0]
			line := []rune(s.rows[row])
			s.rows[row] = string(append(append(line[:column:column], c), line[min(column+1, len(line)):]...))
			column, text = column+1, text[len(string(c)):]
			s.wrapped = s.wrapped || column > s.columns
		}
	}
}

// sees reports whether f holds now.
func (s *terminal) sees(f func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// last returns the line that was drawn last, "" if none was.
func (s *terminal) last() (line string) {
	s.sees(func() bool {
		if n := len(s.drawn); n > 0 {
			line = s.drawn[n-1]
		}
		return true
	})
	return line
}

// eventually waits until the line that was drawn last holds text.
func (s *terminal) eventually(text string) {
	s.t.Helper()
	if !within(patience, func() bool { return strings.Contains(s.last(), text) }) {
		s.t.Fatalf("the line does not come to hold %q: it is %q", text, s.last())
	}
}

// startLine starts a shell line on a terminal, with a directory and shared objects of
// its own. Nothing that it has started may outlive the test.
func startLine(t *testing.T, line string) (*exec.Cmd, *terminal) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MPX_DIR="+filepath.Join(dir, "objects"), "MPX_TEST_KILL="+dir)
	tty := newTerminal(t, 80)
	tty.start(cmd)
	t.Cleanup(func() {
		if left := leftProcesses("MPX_TEST_KILL="+dir, dir); len(left) > 0 {
			t.Errorf("left: %s", strings.Join(left, "; "))
		}
	})
	return cmd, tty
}

// awaitLine waits until a line stands on the terminal.
func (s *terminal) awaitLine(line string) {
	s.t.Helper()
	if !within(patience, func() bool { return s.sees(func() bool { return slices.Contains(s.rows, line) }) }) {
		s.t.Fatalf("on the terminal stands %q", s.rows)
	}
}

// types types text.
func (s *terminal) types(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}
