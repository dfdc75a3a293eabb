package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mpx/internal/shm"
)

// A suffering is that of named processes, of which the starter, its parent, the keeper
// or the command is killed at a random moment.
type suffering struct {
	dir, objects, mark string

	mu     sync.Mutex
	counts map[string]int // what was killed, and what came of it
}

func newSuffering(t *testing.T) *suffering {
	s := &suffering{dir: t.TempDir(), counts: map[string]int{}}
	s.objects, s.mark = filepath.Join(s.dir, "objects"), "MPX_TEST_KILL="+s.dir
	return s
}

func (s *suffering) prepare(cmd *exec.Cmd) {
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "MPX_DIR="+s.objects, s.mark)
}

// mpx runs mpx process with args, and returns its exit status, −1 if it was killed.
// After patience it hangs.
func (s *suffering) mpx(t *testing.T, started func(*os.Process), args ...string) int {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mpx", append([]string{"process"}, args...)...)
	s.prepare(cmd)
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return -1
	}
	if started != nil {
		go started(cmd.Process)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	if ctx.Err() != nil {
		t.Errorf("mpx process %s hangs", strings.Join(args, " "))
	}
	return cmd.ProcessState.ExitCode()
}

// start starts the process name; kill is called at once with the starter.
func (s *suffering) start(t *testing.T, name string, kill func(*os.Process)) int {
	return s.mpx(t, kill, "start", name, "sh", "-c", "echo $$; exec sleep 300")
}

// with returns the pids of the processes whose command line has these words.
func (s *suffering) with(words string) (pids []int) {
	forProcesses(s.mark, s.dir, func(pid int, cmdline string) {
		if strings.Contains(cmdline, " "+words+" ") {
			pids = append(pids, pid)
		}
	})
	return pids
}

// mayBe reports whether there is a process that has name among its words, or is being
// executed, so that nobody can see its words: the keeper, or its starter's child that
// becomes it. It looks twice: the starter may have ended, and its keeper been born,
// in the middle of a look.
func (s *suffering) mayBe(name string) (is bool) {
	for range 2 {
		forProcesses(s.mark, s.dir, func(_ int, cmdline string) {
			is = is || cmdline == "" || strings.Contains(cmdline, " "+name+" ")
		})
	}
	return is
}

func (s *suffering) count(what string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[fmt.Sprintf("%s: %d", what, status)]++
}

func moment(ms int) { time.Sleep(time.Duration(rand.IntN(1000*ms)) * time.Microsecond) }

// killRunning kills the keeper or the command of one that runs, while another joins
// it.
func (s *suffering) killRunning(t *testing.T, name string, keeper bool) {
	if status := s.start(t, name, nil); status != 0 {
		t.Errorf("start %s: %d", name, status)
		return
	}
	d, err := shm.OpenDir(s.objects)
	if err != nil {
		t.Error(err)
		return
	}
	p, err := d.OpenProcess(name)
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close()
	i, err := p.Look()
	if err != nil || i.State != shm.ProcessRunning {
		t.Errorf("%s is %v, %v", name, i.State, err)
		return
	}
	what, victim, want := "command", i.PID, 137
	if keeper {
		what, victim, want = "keeper", i.Keeper, 125
	}
	status := s.mpx(t, func(*os.Process) { moment(20); _ = syscall.Kill(victim, syscall.SIGKILL) }, "join", name)
	if s.count(what, status); status != want {
		t.Errorf("%s of %s was killed, and join ends with %d", what, name, status)
	}
}

// killStart kills the starter, or the keeper as it begins.
func (s *suffering) killStart(t *testing.T, name string, keeper bool) {
	what, kill := "starter", func(starter *os.Process) { moment(40); _ = starter.Kill() }
	wants := []int{0, -1}
	if keeper {
		what, wants = "new keeper", []int{0, 125}
		kill = func(*os.Process) {
			var pids []int
			within(time.Second, func() bool { pids = s.with("__keeper " + name); return len(pids) > 0 })
			for _, pid := range pids {
				moment(4)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	status := s.start(t, name, kill)
	if s.count(what, status); !slices.Contains(wants, status) {
		t.Errorf("%s of %s was killed, and start ends with %d", what, name, status)
	}
}

// killParent kills the shell that starts the process, to die with it: it ends, if it
// ever began.
func (s *suffering) killParent(t *testing.T, name string) {
	cmd := exec.Command("sh", "-c", `mpx process start "$0" --die-with-parent -- sleep 300 >out-$0; sleep 300`, name)
	s.prepare(cmd)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // or an orphan's new parent could be taken for its own
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	moment(40)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !within(patience, func() bool { return !s.mayBe(name) }) {
		t.Errorf("%s has not died with its parent", name)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the other sleep
	out, _ := os.ReadFile(filepath.Join(s.dir, "out-"+name))
	s.count("parent, name printed", len(out)/max(1, len(name)))
}

// wantNone ends the process name, whatever has become of it, and checks that nothing
// of it is left then.
func (s *suffering) wantNone(t *testing.T, name string) {
	var said []int
	if !within(patience, func() bool {
		said = nil
		for _, args := range [][]string{{"kill", name}, {"join", name, "-w", "1"}, {"rm", name}} { // it may only come to be after kill
			said = append(said, s.mpx(t, nil, args...))
		}
		return !s.mayBe(name) && slices.Contains([]int{0, 2}, said[2])
	}) {
		t.Errorf("%s does not end: %v", name, said)
	}
	for _, file := range []string{name, "." + name + ".log"} {
		if _, err := os.Lstat(filepath.Join(s.objects, file)); err == nil {
			t.Errorf("%s is left", file)
		}
	}
}

// Whichever of starter, its parent, keeper and command is killed, and when: who joins
// goes on, the name can be removed, and no process and no file is left.
func TestKillProcess(t *testing.T) {
	again(t, func() (kills int) {
		s := newSuffering(t)
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for n := range 15 {
					name := fmt.Sprintf("p%d-%d", w, n)
					switch n % 5 {
					case 0, 1:
						s.killRunning(t, name, n%5 == 0)
					case 2, 3:
						s.killStart(t, name, n%5 == 2)
					case 4:
						s.killParent(t, name)
					}
					if s.wantNone(t, name); t.Failed() {
						return
					}
				}
			})
		}
		wg.Wait()
		t.Log(s.counts)
		if left := leftProcesses(s.mark, s.dir); len(left) > 0 {
			t.Errorf("%d processes left: %s", len(left), strings.Join(left, "; "))
		}
		if files, err := os.ReadDir(s.objects); err != nil || len(files) > 0 {
			t.Errorf("files left: %v %v", files, err)
		}
		return 3 * 15
	})
}
