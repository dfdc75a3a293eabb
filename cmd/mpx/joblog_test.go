package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run of 2,000 tasks whose supervisor is killed again and again, at random
// moments, and resumed. In the end each has succeeded once by the joblog, and
// none is logged whose output did not come.
func TestKillLoop(t *testing.T) {
	const tasks = 2000
	dir := t.TempDir()
	var in bytes.Buffer
	for i := range tasks {
		fmt.Fprintln(&in, i+1)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	log := filepath.Join(dir, "log")
	kills := 0
	for done := false; !done; {
		c := exec.Command("mpx", "map", "-j", "3", "--joblog", log, "--resume", "/bin/echo")
		c.Env = append(os.Environ(), "MPX_PROGRESS=never", "GORACE=atexit_sleep_ms=0")
		var said bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in.Bytes()), out, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Each run is given somewhat more time: whatever the machine, it comes to
		// an end.
		timer := time.AfterFunc(time.Duration(rand.IntN(80+10*kills))*time.Millisecond, func() { _ = c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if done = err == nil; !done {
			if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != syscall.SIGKILL {
				t.Fatalf("mpx ended by itself: %v\n%s", err, said.String())
			}
			kills++
		}
		succeeded := loggedNumbers(t, log)
		came := numbersIn(t, out.Name())
		for n, times := range succeeded {
			if times != 1 || came[n] == 0 {
				t.Fatalf("after %d kills: task %d has succeeded %d times, its output came %d times", kills, n, times, came[n])
			}
		}
		if done && len(succeeded) != tasks {
			t.Fatalf("%d of %d tasks have succeeded", len(succeeded), tasks)
		}
	}
	t.Logf("%d kills", kills)
	if kills < 5 {
		t.Errorf("only %d kills: the test shows little", kills)
	}
}

// loggedNumbers returns how often the joblog says that the task of each number
// succeeded. Its last line may be torn.
func loggedNumbers(t *testing.T, path string) map[int]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	n := map[int]int{}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(line, "\t", 9)
		if !strings.HasSuffix(line, "\n") || f[0] == "Seq" {
			continue
		}
		number, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(f[8], "/bin/echo ")))
		if err != nil || f[6] != "0" || f[7] != "0" {
			t.Fatalf("odd line in the joblog: %q", line)
		}
		n[number]++
	}
	return n
}

func numbersIn(t *testing.T, path string) map[int]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := map[int]int{}
	for line := range strings.Lines(string(b)) {
		number, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("odd output: %q", line)
		}
		n[number]++
	}
	return n
}
