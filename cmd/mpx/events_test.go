package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eventsRun starts mpx map with its events to a FIFO whose reader is the test.
// It is opened for both, so that mpx need not wait for a reader and the reader
// does not see an end before mpx has come.
func eventsRun(t *testing.T, args ...string) (c *exec.Cmd, events *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	run := exec.Command("mpx", append([]string{"map", "--events", path}, args...)...)
	run.Env = append(os.Environ(), "MPX_PROGRESS=never")
	return run, events
}

// While nobody reads its events a run waits, with little memory; when they are
// read none is missing.
func TestEventsSlowReader(t *testing.T) {
	const tasks, size = 1000, 60 << 10
	c, events := eventsRun(t, "-j", "2", "--stdin", "/bin/true")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var given atomic.Int64
	go func() {
		record := append(bytes.Repeat([]byte("x"), size), '\n')
		for range tasks {
			_, _ = in.Write(record)
			given.Add(1)
		}
	}()
	awaitStill(func() int64 { return given.Load() })
	before := given.Load()
	check, out := newEventsCheck(), bufio.NewReaderSize(events, 1<<20)
	for len(check.status) < tasks {
		_ = events.SetReadDeadline(time.Now().Add(patience))
		line, err := out.ReadString('\n')
		if err == nil {
			err = check.add(line)
		}
		if err != nil {
			t.Fatalf("after %d tasks: %v", len(check.status), err)
		}
	}
	most := highWater(t, c.Process.Pid)
	t.Logf("%d of %d tasks were read before the events were; at most %d MiB of memory", before, tasks, most>>20)
	if most > tasks*size && !raceEnabled {
		t.Errorf("%d MiB of memory", most>>20)
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// awaitStill returns when n has stood still for a moment. What it is called for
// only shows less when that is a mistake.
func awaitStill(n func() int64) {
	last, since := n(), time.Now()
	within(patience, func() bool {
		if now := n(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 200*time.Millisecond
	})
}

// highWater returns the most memory that process pid has had, in bytes.
func highWater(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no VmHWM in %q", b)
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

// A reader that has gone away ends its file, not the run.
func TestEventsReaderGone(t *testing.T) {
	c, events := eventsRun(t, "sh", "-c", "test $1 != 1 || read x <go; echo $1", "sh", ":::", "1", "2", "3")
	c.Dir = t.TempDir()
	if err := unix.Mkfifo(filepath.Join(c.Dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = events.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(events).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, `{"event":"run_start"`) {
		t.Fatalf("%q, %v", line, err)
	}
	events.Close()
	if err := os.WriteFile(filepath.Join(c.Dir, "go"), []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || out.String() != "1\n2\n3\n" || said.Len() > 0 {
		t.Errorf("%v, stdout %q, stderr %q", err, &out, &said)
	}
}

// ^C ends a run whose events nobody reads.
func TestEventsSignal(t *testing.T) {
	c, _ := eventsRun(t, "-j", "2", "-n", "0", "/bin/true")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var given atomic.Int64
	go func() {
		for err := error(nil); err == nil; given.Add(1) {
			_, err = in.Write(bytes.Repeat([]byte("\n"), 1<<10))
		}
	}()
	awaitStill(func() int64 { return given.Load() })
	_ = c.Process.Signal(unix.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = c.Process.Kill()
		t.Fatal("mpx does not end")
	}
	if got := endOf(c.ProcessState); got != "SIGINT" {
		t.Errorf("ended with %s", got)
	}
}
