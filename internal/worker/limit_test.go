package worker_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"mpx/internal/ipc"

	"golang.org/x/sys/unix"
)

// A task, and what it starts, gets no more memory than it may have. The
// initializer gets what there is.
func TestLimitMemory(t *testing.T) {
	const hungry = "dd bs=64M count=1 if=/dev/zero of=/dev/null 2>&1"
	for _, script := range []string{"exec " + hungry, hungry + "; exit $?", "(" + hungry + ") | cat; " + hungry} {
		cfg := commands(script)
		cfg.Initializer = vector("sh", "-c", hungry)
		for _, tt := range []struct {
			limit int64
			fails bool
		}{{0, false}, {1 << 30, false}, {32 << 20, true}} {
			cfg.LimitMemory = tt.limit
			b := hire(t, cfg)
			b.hello()
			if d, out := b.done(0); d.Exit != 0 {
				t.Errorf("initializer: exit %d, %q", d.Exit, out)
			}
			b.send(taskOf(1))
			if d, out := b.done(1); (d.Exit != 0) != tt.fails || d.Signal != 0 {
				t.Errorf("%s under %d: exit %d, signal %d, %q", script, tt.limit, d.Exit, d.Signal, out)
			}
		}
	}
}

// limited is cfg with a limit that no task comes near.
func limited(cfg ipc.Config) ipc.Config {
	cfg.LimitMemory = 1<<30 + 1
	return cfg
}

// It is the task's only limit, exact to a KiB, and the task is otherwise as
// without: its words, its environment, its process.
func TestLimitedTask(t *testing.T) {
	t.Setenv("PLAIN", "p q")
	t.Setenv("BASH_FUNC_f%%", "() { echo\n}")
	t.Setenv("-x", "y")
	t.Setenv("9", "z")
	_, out := one(t, limited(commands(`ulimit -Sv; ulimit -Hv; echo "$#" "$1" "$2"; echo $$ $PPID; tr '\0' '\n' </proc/$$/environ`)), "a  b", "-c $x")
	lines := strings.SplitN(out, "\n", 5)
	if len(lines) < 5 || lines[0] != "1048577" || lines[1] != "1048577" || lines[2] != "2 a  b -c $x" {
		t.Fatalf("%q", out)
	}
	for _, want := range []string{"PLAIN=p q", "BASH_FUNC_f%%=() { echo\n}", "-x=y", "9=z", "MPX_SEQ=1"} {
		if strings.Count("\n"+lines[4], "\n"+want+"\n") != 1 {
			t.Errorf("no %q in %q", want, lines[4])
		}
	}
	b := hire(t, limited(commands("echo $$ $PPID")))
	b.hello()
	b.send(tasks(1, 1))
	if _, out := b.done(1); !strings.HasSuffix(out, " "+strconv.Itoa(b.pid)+"\n") {
		t.Errorf("pid and parent %q, want %d", out, b.pid)
	}
}

// A limit that is lower already stands.
func TestLimitAbove(t *testing.T) {
	b := hire(t, limited(commands("ulimit -v")))
	b.hello()
	low := unix.Rlimit{Cur: 1 << 40, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(b.pid, unix.RLIMIT_AS, &low, nil); err != nil {
		t.Fatal(err)
	}
	b.send(taskOf(1))
	if _, out := b.done(1); out != "1048577\n" {
		t.Errorf("below 1 TiB: %q", out)
	}
	cfg := commands("ulimit -v")
	cfg.LimitMemory = 1 << 50
	b = hire(t, cfg)
	b.hello()
	if err := unix.Prlimit(b.pid, unix.RLIMIT_AS, &low, nil); err != nil {
		t.Fatal(err)
	}
	b.send(taskOf(1))
	if _, out := b.done(1); out != "1073741824\n" {
		t.Errorf("above 1 TiB: %q", out)
	}
}

// What cannot be run is told as without a limit, and it is what PATH finds that
// runs, also when it has moved.
func TestLimitedCommands(t *testing.T) {
	first, two := t.TempDir(), t.TempDir()
	t.Setenv("PATH", first+":"+two+":"+os.Getenv("PATH"))
	write := func(path, text string, mode os.FileMode) string {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write(filepath.Join(first, "plain"), "", 0o644)
	write(filepath.Join(first, "unmarked"), "echo unmarked $1", 0o755)
	for _, w := range [][]string{
		{"no-such-command"},
		{"./no-such-file"},
		{plain},
		{"plain"},
		{first},
		{"unmarked", "x"},
		{"sh", "-c", "kill -SEGV $$"},
		{"echo", strings.Repeat("x", 200_000)},
	} {
		d1, out1 := one(t, words(w...))
		d2, out2 := one(t, limited(words(w...)))
		if d1.Exit != d2.Exit || d1.Signal != d2.Signal || d1.Note != d2.Note || d1.Hint != d2.Hint || out1 != out2 {
			t.Errorf("%.30q: without a limit %+v, %q; with one %+v, %q", w, d1, out1, d2, out2)
		}
	}
	for _, dir := range []string{first, two} {
		write(dir+"/moving", "#!/bin/sh\necho "+dir+"\n", 0o755)
	}
	b := hire(t, limited(words("moving", "x")))
	b.hello()
	for i, dir := range []string{first, two} {
		b.send(tasks(i+1, i+1))
		if _, out := b.done(i + 1); out != dir+"\n" {
			t.Errorf("task %d: %q", i+1, out)
		}
		if err := os.Remove(dir + "/moving"); err != nil {
			t.Fatal(err)
		}
	}
}

// The worker, in all of its threads, and its tasks are as nice as asked.
func TestNice(t *testing.T) {
	before := nice(t, unix.Getpid())
	for n, want := range map[int]int{0: before, 3: min(before+3, 19), 100: 19} {
		cfg := words("nice")
		cfg.Nice = n
		if _, out := one(t, cfg); out != strconv.Itoa(want)+"\n" {
			t.Errorf("nice %d: a task has %q, want %d", n, out, want)
		}
		cfg, path := computing(t)
		cfg.Nice = n
		b := hire(t, cfg)
		b.hello()
		b.send(taskOf(1, path))
		b.busy()
		threads, err := os.ReadDir("/proc/" + strconv.Itoa(b.pid) + "/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range threads {
			if got := nice(t, pid(t, id.Name())); got != want {
				t.Errorf("nice %d: thread %s of %d has %d, want %d", n, id.Name(), b.pid, got, want)
			}
		}
	}
}

func nice(t *testing.T, pid int) int {
	t.Helper()
	prio, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - prio
}

// A worker that may not be less nice says so.
func TestNiceDenied(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_NICE, 0, 0, 0); err != nil && err != unix.EPERM {
		t.Fatal(err)
	}
	b := start(t)
	none := unix.Rlimit{Cur: 0, Max: 0}
	if err := unix.Prlimit(b.pid, unix.RLIMIT_NICE, &none, nil); err != nil {
		t.Fatal(err)
	}
	b.send(ipc.AppendConfig(nil, []byte(`{"nice":-5}`)))
	b.hello()
	if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), "set nice value -") || !strings.HasSuffix(string(body), "permission denied") {
		t.Errorf("FAULT %q", body)
	}
	b.wantExit(125)
}
