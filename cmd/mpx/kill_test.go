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

// A workerKind is a sort of workers that the kill tests are run with: flags of
// mpx map and a command that prints its record, a number.
type workerKind struct {
	name    string
	flags   []string
	command []string
	tasks   int // that keep it going for a few seconds
}

// slowFilter is a filter that takes about as long for a record as /bin/echo.
const slowFilter = `while IFS= read -r x; do sleep 0.001; echo "$x"; done`

var workerKinds = []workerKind{
	{"exec", nil, []string{"/bin/echo"}, 1000},
	{"shell", []string{"--worker", "shell", "--initializer", `say() { echo "$1"; }`}, []string{"say"}, 2000},
	{"filter", []string{"--worker", "filter"}, []string{slowFilter}, 500},
	{"filter-inflight", []string{"--worker", "filter", "--inflight", "50"}, []string{slowFilter}, 600},
}

// A killRun is one that suffers: tasks numbered from 1 in a process tree of its
// own, known by its mark.
type killRun struct {
	kind  workerKind
	tasks int
	dir   string
	mark  string
}

func newKillRun(t *testing.T, k workerKind, tasks int) *killRun {
	r := &killRun{kind: k, tasks: tasks, dir: t.TempDir()}
	r.mark = "MPX_TEST_KILL=" + r.dir
	return r
}

// command is mpx with flags, and what it says.
func (r *killRun) command(out *os.File, flags ...string) (*exec.Cmd, *bytes.Buffer) {
	args := append(append([]string{"map", "-j", "3"}, r.kind.flags...), flags...)
	c := exec.Command("mpx", append(args, r.kind.command...)...)
	c.Env = append(os.Environ(), "MPX_PROGRESS=never", r.mark)
	var said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(r.numbers()), out, &said
	return c, &said
}

// numbers is the input, and, in its order, the output.
func (r *killRun) numbers() []byte {
	var in bytes.Buffer
	for i := range r.tasks {
		fmt.Fprintln(&in, i+1)
	}
	return in.Bytes()
}

// wantNothingLeft checks that no process of the run lives on.
func (r *killRun) wantNothingLeft(t *testing.T) {
	t.Helper()
	if left := leftProcesses(r.mark, r.dir); len(left) > 0 {
		t.Errorf("%d processes left: %s", len(left), strings.Join(left, "; "))
	}
}

// The supervisor is killed again and again, at random moments, and the run
// resumed. In the end each task has succeeded once by the joblog, and none is
// logged whose output did not come.
func TestKillLoop(t *testing.T) {
	for _, k := range workerKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			again(t, func() int { return killSupervisors(t, newKillRun(t, k, k.tasks)) })
		})
	}
}

func killSupervisors(t *testing.T, r *killRun) (kills int) {
	out, err := os.Create(filepath.Join(r.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	log := filepath.Join(r.dir, "log")
	for done := false; !done; {
		c, said := r.command(out, "--joblog", log, "--resume")
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
		if done && len(succeeded) != r.tasks {
			t.Fatalf("%d of %d tasks have succeeded", len(succeeded), r.tasks)
		}
	}
	r.wantNothingLeft(t)
	return kills
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
		command, _, _ := strings.Cut(strings.TrimSpace(f[8]), " | ") // of a filter, what goes into it
		number, err := strconv.Atoi(command[strings.LastIndexByte(command, ' ')+1:])
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
