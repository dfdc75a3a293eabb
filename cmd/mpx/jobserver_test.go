package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// Runs below make's jobserver that end in every way, at random moments. Each
// time all tokens are back in the end, the very bytes, and at no time do more
// tasks run than the tokens, and make's own for mpx, allow.
func TestJobserverEnds(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip(err)
	}
	for style, s := range makeServers(t) {
		t.Run(style, func(t *testing.T) {
			s.t = t
			for round := range 10 {
				d := drawRun(round)
				when := fmt.Sprintf("round %d (%s)", round, d)
				d.run(s)
				s.awaitGone()
				s.wantNoCrowd(when)
				s.wantAll(when)
			}
		})
	}
}

// A jobserverRun is a run with an end that chance has chosen.
type jobserverRun struct {
	flags []string
	end   string        // what is done to it
	after time.Duration // that
}

func (d *jobserverRun) String() string {
	return fmt.Sprintf("%s, %s after %v", strings.Join(d.flags, " "), d.end, d.after)
}

// drawRun draws the flags and the moment; the end of each round is another.
func drawRun(round int) *jobserverRun {
	ends := []string{"nothing", "INT", "TERM", "KILL", "kill workers"}
	d := &jobserverRun{end: ends[round%len(ends)], after: time.Duration(rand.IntN(150)) * time.Millisecond}
	for _, flag := range []string{
		"--halt=now,fail=1", "--halt=soon,fail=3", "--timeout=0.03", "--maxtasksperchild=2", "--delay=0.005",
		"--retries=1", "--retry-delay=0.01", "--kill-after=0", "--unordered", "--retry-lost=0",
		"--max-worker-age=0.02", "--max-worker-memory=1K", "--initializer=true",
	} {
		if rand.IntN(4) == 0 {
			d.flags = append(d.flags, flag)
		}
	}
	return d
}

// run runs it to its end.
func (d *jobserverRun) run(s *makeServer) {
	script := exclusive(len(makeTokens)+1) + `case $1 in
fail) exit 3 ;;
child) sleep 0.02 & wait ;;
*) exec sleep $1 ;;
esac`
	args := append([]string{"map", "--jobserver"}, d.flags...)
	args = append(args, "sh", "-c", script, "sh", ":::")
	kinds := []string{"0.01", "0.01", "0.02", "0.05", "fail", "child"}
	for range 30 {
		args = append(args, kinds[rand.IntN(len(kinds))])
	}
	c := s.command(args...)
	c.Stderr = nil
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
		return
	case <-time.After(d.after):
	}
	switch d.end {
	case "INT", "TERM", "KILL":
		_ = c.Process.Signal(unix.SignalNum("SIG" + d.end))
	case "kill workers":
		for range 3 {
			killChild(c.Process.Pid)
		}
	}
	select {
	case <-ended:
	case <-time.After(patience):
		s.t.Fatal("mpx does not end")
	}
}

// killChild kills one of the children of process parent, if it has any.
func killChild(parent int) {
	pids := proc.Children(parent)
	if len(pids) == 0 {
		return
	}
	pid := pids[rand.IntN(len(pids))]
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if st, err := proc.ReadStat(pid); err == nil && st.Parent == parent { // it is still the same
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// A run that waits for input holds no token; while it has work it has them all.
func TestJobserverIdle(t *testing.T) {
	for style, s := range makeServers(t) {
		t.Run(style, func(t *testing.T) {
			s.t = t
			c := s.command("map", "sh", "-c", `echo >"began$1"; until test -e go; do sleep 0.01; done`, "sh")
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(in, "1\n2\n3\n4\n5\n")
			if !within(patience, func() bool { return s.free() == 0 && s.count("began*") == len(makeTokens)+1 }) {
				t.Fatalf("%d tasks run with %d tokens free", s.count("began*"), s.free())
			}
			s.touch("go")
			if !within(patience, func() bool { return s.count("began*") == 5 && s.free() == len(makeTokens) }) {
				t.Fatalf("of 5 tasks %d have begun; %d tokens are free", s.count("began*"), s.free())
			}
			s.wantAll("idle")
			in.Close()
			if err := c.Wait(); err != nil {
				t.Fatal(err)
			}
			s.awaitGone()
			s.wantAll("in the end")
		})
	}
}

// Nor does one that may not start another task yet.
func TestJobserverDelay(t *testing.T) {
	s := makeServers(t)["fifo"]
	// The first task stays, with make's own job; the others take a token each.
	c := s.command("map", "--delay", "1", "sh", "-c", `echo >"began$1"; test $1 != 1 || until test -e go; do sleep 0.01; done; echo >ended$1`, "sh", ":::", "1", "2", "3", "4")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	free := false
	for n := 2; n < 4 && !free; n++ { // on a busy machine it may go unseen once
		ended, next := fmt.Sprintf("ended%d", n), fmt.Sprintf("began%d", n+1)
		if !within(patience, func() bool { return s.count(ended) == 1 }) {
			t.Fatal("no " + ended)
		}
		within(patience, func() bool {
			back := s.free() == len(makeTokens)
			free = back && s.count(next) == 0
			return free || s.count(next) == 1
		})
	}
	if !free {
		t.Error("a token is held until the next task may start")
	}
	s.touch("go")
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	s.wantAll("in the end")
}

func (s *makeServer) count(pattern string) int {
	all, _ := filepath.Glob(filepath.Join(s.dir, pattern))
	return len(all)
}

func (s *makeServer) touch(name string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// A token that is no more than a byte in a pipe is given back as it was found
// also by a supervisor whose worker is killed while it holds one.
func TestJobserverWorkerKilled(t *testing.T) {
	for style, s := range makeServers(t) {
		t.Run(style, func(t *testing.T) {
			s.t = t
			c := s.command("map", "--retry-lost", "0", "sh", "-c", `echo $PPID >worker$1; exec sleep 99`, "sh", ":::", "1", "2", "3", "4")
			c.Stderr = nil
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if !within(patience, func() bool { return s.count("worker*") == 4 }) {
				t.Fatal("not all tasks run")
			}
			for range 4 {
				before := len(proc.Children(c.Process.Pid))
				killChild(c.Process.Pid)
				if !within(patience, func() bool { return len(proc.Children(c.Process.Pid)) < before }) {
					t.Fatal("a killed worker is not reaped")
				}
			}
			if err := c.Wait(); c.ProcessState.ExitCode() != 1 {
				t.Fatal(err)
			}
			s.awaitGone()
			s.wantAll("after its workers were killed")
		})
	}
}

// What a signal ends has given its tokens back before mpx is gone.
func TestJobserverSignal(t *testing.T) {
	s := makeServers(t)["pipe"]
	c := s.command("map", "sh", "-c", `trap '' INT TERM; echo >began$1; until test -e go; do sleep 0.01; done`, "sh", ":::", "1", "2", "3", "4")
	c.Stderr = nil
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if !within(patience, func() bool { return s.count("began*") == 4 }) {
		t.Fatal("not all tasks run")
	}
	for range 2 { // the second one kills
		_ = c.Process.Signal(syscall.SIGINT)
	}
	_ = c.Wait()
	s.wantAll("when mpx is gone")
}
