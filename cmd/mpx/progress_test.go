package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal is mpx map with args as a person would run it.
func onTerminal(args ...string) *exec.Cmd {
	c := exec.Command("mpx", append([]string{"map"}, args...)...)
	c.Env = append(os.Environ(), "TERM=xterm", "MPX_PROGRESS=", "NO_COLOR=")
	return c
}

// One line shows how far the run is. It is never wider than the terminal, drawn
// at most ten times a second, gives way to output, and is gone at the end.
func TestProgressLine(t *testing.T) {
	s := newTerminal(t, 60)
	dir := t.TempDir()
	c := onTerminal("-j", "2", "--kill-after", "0", `echo out-{}; test {} != 2 || exit 3; test {} -lt 4 || until test -e go; do sleep 0.01; done # `+strings.Repeat("é", 80))
	c.Dir = dir
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.start(c)
	fmt.Fprint(in, "1\n2\n3\n4\n5\n6\n")
	s.eventually("3 done, 2 running, 1 failed")
	s.eventually("ETA ?")
	s.resize(30)
	if !within(patience, func() bool { return len([]rune(s.last())) <= 30 }) {
		t.Errorf("in 30 columns the line is %q", s.last())
	}
	s.resize(200)
	s.eventually(": echo out-'")
	in.Close()
	s.eventually("3/6 50%")
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	<-s.over
	s.mu.Lock()
	defer s.mu.Unlock()
	took := time.Since(began)
	if most := 2 + int(took/drawInterval); len(s.drawn) > most {
		t.Errorf("drawn %d times in %v", len(s.drawn), took)
	}
	if s.wrapped {
		t.Errorf("a line wrapped: %q", s.raw.String())
	}
	got := strings.Join(s.rows, "\n")
	if want := "out-1\nout-2\nout-3\nout-4\nout-5\nout-6\nmpx: "; !strings.HasPrefix(got, want) {
		t.Errorf("in the end the screen shows %q, want %q …", got, want)
	}
	if !strings.Contains(s.raw.String(), "\x1b[31m1 failed\x1b[39m") {
		t.Error("failures are not shown in red")
	}
}

const drawInterval = 100 * time.Millisecond

// Files are counted beside the run, so that the end is known from the start,
// also when they are more than is read ahead.
func TestProgressTotal(t *testing.T) {
	s := newTerminal(t, 80)
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, []byte(strings.Repeat("x\n", 40_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(200, io.SeekStart); err != nil { // what a shell has read already is no task
		t.Fatal(err)
	}
	c := onTerminal("-j", "1", "sleep 99; :")
	c.Stdin = f
	s.start(c)
	s.eventually("0/39,900 0%, 1 running")
	if err := c.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	<-s.over
}

// Where it would do harm there is no line: in a dumb terminal, with NO_COLOR no
// colour.
func TestProgressPlainTerminals(t *testing.T) {
	for name, c := range map[string]struct {
		env     string
		args    []string
		escapes bool
	}{
		"dumb":  {"TERM=dumb", []string{"sleep 0.5; exit 3"}, false},
		"none":  {"TERM=", []string{"sleep 0.5; exit 3"}, false},
		"never": {"A=b", []string{"--progress", "never", "sleep 0.5; exit 3"}, false},
		"-u":    {"A=b", []string{"-u", "sleep 0.5; exit 3"}, false},
		"line":  {"A=b", []string{"sleep 0.5; exit 3"}, true},
		"plain": {"MPX_PROGRESS=plain", []string{"sleep 0.5; exit 3"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTerminal(t, 80)
			cmd := onTerminal(append(c.args, ":::", "1")...)
			cmd.Env = append(cmd.Env, c.env)
			s.start(cmd)
			_ = cmd.Wait()
			<-s.over
			s.mu.Lock()
			defer s.mu.Unlock()
			if got := strings.Contains(s.raw.String(), "\x1b"); got != c.escapes {
				t.Errorf("escape sequences: %v, want %v: %q", got, c.escapes, s.raw.String())
			}
		})
	}
}

func TestProgressNoColour(t *testing.T) {
	s := newTerminal(t, 80)
	c := onTerminal("-j", "1", "--kill-after", "0", "test {} != 1 || exit 3; sleep 99", ":::", "1", "2")
	c.Env = append(c.Env, "NO_COLOR=1")
	s.start(c)
	s.eventually("1 failed")
	if err := c.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	<-s.over
	if s.sees(func() bool { return strings.Contains(s.raw.String(), "\x1b[3") }) {
		t.Error("colours in spite of NO_COLOR")
	}
}

// Output without a newline at its end stays as it is: the line waits.
func TestProgressUnfinishedLine(t *testing.T) {
	s := newTerminal(t, 80)
	c := onTerminal("-j", "1", "test {} = 1 || sleep 0.6; printf %s {}", ":::", "1", "2")
	s.start(c)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	<-s.over
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[0] != "12" || strings.Contains(s.raw.String(), "\x1b") { // a summary has a line of its own
		t.Errorf("the terminal got %q", s.raw.String())
	}
}
