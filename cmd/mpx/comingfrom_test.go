package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"
)

const (
	comingFromDoc  = "../../docs/COMING-FROM.md"
	comingFromData = "../../testdata/coming-from"
)

var update = flag.Bool("update", false, "make testdata/coming-from/NN.txtar from what the peers do")

// TestComingFrom runs the lines of docs/COMING-FROM.md, each in a fresh copy of
// testdata/coming-from/files.txtar. NN.txtar there is what example NN prints and
// makes, by its peer: mpx must do the same, and so must the peer if installed.
func TestComingFrom(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("the lines are bash's: ", err)
	}
	all := readExamples(t, comingFromDoc)
	if len(all) < 25 {
		t.Errorf("%d examples, want 25 or more", len(all))
	}
	if kept, _ := filepath.Glob(comingFromData + "/[0-9]*.txtar"); !*update && len(kept) != len(all) {
		t.Errorf("%d outcomes are kept for %d examples", len(kept), len(all))
	}
	installed := map[string]bool{
		"xargs":    says("GNU findutils", "xargs", "--version"),
		"parallel": says("GNU parallel", "parallel", "--will-cite", "--version"),
	}
	for i, e := range all {
		kept := filepath.Join(comingFromData, fmt.Sprintf("%02d.txtar", i+1))
		t.Run(fmt.Sprintf("%02d", i+1), func(t *testing.T) {
			t.Parallel()
			if *update {
				writeFile(t, kept, e.peer.run(t))
			}
			want, err := os.ReadFile(kept)
			if err != nil {
				t.Fatal(err)
			}
			e.mpx.check(t, string(want))
			if installed[e.peer.tool] {
				e.peer.check(t, string(want))
			}
		})
	}
}

// says reports whether a command runs and names what.
func says(what string, command ...string) bool {
	out, err := exec.Command(command[0], command[1:]...).Output()
	return err == nil && strings.Contains(string(out), what)
}

func (l *peerLine) check(t *testing.T, want string) {
	t.Helper()
	if d := diff.Diff("want", []byte(want), "got", []byte(l.run(t))); d != nil {
		t.Errorf("%s:\n%s\n%s", l.tool, l.script, d)
	}
}

// run runs the line and returns its outcome. It checks the status that the
// document tells, and that no process and no file outside is left.
func (l *peerLine) run(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	work, tmp, home := filepath.Join(dir, "work"), filepath.Join(dir, "tmp"), filepath.Join(dir, "home")
	before := fixtures(t)
	before.write(t, work)
	tree{}.write(t, tmp)
	tree{}.write(t, home)
	id := fmt.Sprintf("MPX_TEST_ID=%d-%d", os.Getpid(), scripts.Add(1))
	c, stderr := l.command(t, work)
	c.Env = []string{
		id, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + tmp, "HOME=" + home, "SHELL=bash", "LC_ALL=C.UTF-8",
		"PARALLEL=--will-cite", "PARALLEL_SHELL=/bin/bash", "PARALLEL_HOME=" + filepath.Join(home, ".parallel"), "GORACE=" + os.Getenv("GORACE"),
	}
	stdout, _ := c.Output()
	if got := c.ProcessState.ExitCode(); got != l.status {
		t.Errorf("%s: status %d, want %d\n%s\n%s", l.tool, got, l.status, l.script, stderr)
	}
	if left := leftProcesses(id, work); len(left) > 0 {
		t.Errorf("%s: processes left: %q", l.tool, left)
	}
	if left := append(readTree(t, tmp).names(), readTree(t, home).names()...); l.tool == "mpx" && len(left) > 0 {
		t.Errorf("files left in TMPDIR and HOME: %q", left)
	}
	return lineOutcome(string(stdout), l.status == 0, before, readTree(t, work), l.except)
}

// command returns bash with the line, in work, and its stderr.
func (l *peerLine) command(t *testing.T, work string) (*exec.Cmd, *strings.Builder) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "bash", "-c", l.script)
	stderr := &strings.Builder{}
	c.Dir, c.Stderr, c.WaitDelay = work, stderr, time.Second
	return c, stderr
}
