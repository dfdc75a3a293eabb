package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// one runs a single task of a worker of cfg.
func one(t *testing.T, cfg ipc.Config, values ...string) (ipc.Done, string) {
	t.Helper()
	b := hire(t, cfg)
	b.hello()
	b.send(taskOf(1, values...))
	return b.done(1)
}

// How a command ends, or why it cannot be run, in the shell's numbers.
func TestEnds(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	write("unmarked", "echo $0 $1", 0o755) // no #!: execvp has sh run it
	for _, c := range []struct {
		name         string
		words        []string
		exit, signal int32
		note, hint   string
		out          string
	}{
		{"status", []string{"sh", "-c", "exit 7"}, 7, 0, "", "", ""},
		{"signal", []string{"sh", "-c", "kill -SEGV $$"}, 0, int32(unix.SIGSEGV), "", "", ""},
		{"unknown", []string{"no-such-command", "x"}, 127, 0, "no-such-command: command not found", "is it installed", ""},
		{"no file", []string{"./no-such-file", "x"}, 127, 0, "./no-such-file: no such file, or its interpreter is missing", "", ""},
		{"no interpreter", []string{write("lost", "#!/no/such\n", 0o755), "x"}, 127, 0, "no such file, or its interpreter is missing", "", ""},
		{"not executable", []string{write("plain", "", 0o644), "x"}, 126, 0, "permission denied", "chmod +x", ""},
		{"not executable on PATH", []string{"plain", "x"}, 126, 0, "plain: permission denied", "chmod +x", ""},
		{"directory", []string{dir, "x"}, 126, 0, "is a directory", "", ""},
		{"too long", []string{"echo", strings.Repeat("x", 200_000)}, 126, 0, "the system takes at most 131071", "--stdin", ""},
		{"too many", append([]string{"echo"}, slices.Repeat([]string{strings.Repeat("x", 100_000)}, 30)...), 126, 0, "echo: argument list too long", "-n", ""},
		{"no #!", []string{"unmarked", "x"}, 0, 0, "", "", dir + "/unmarked x\n"},
	} {
		d, out := one(t, words(c.words...))
		if d.Exit != c.exit || d.Signal != c.signal || d.End != ipc.Ended {
			t.Errorf("%s: exit %d, signal %d, end %d", c.name, d.Exit, d.Signal, d.End)
		}
		if !strings.HasSuffix(d.Note, c.note) || (d.Note == "") != (c.note == "") || !strings.Contains(d.Hint, c.hint) {
			t.Errorf("%s: note %q, hint %q", c.name, d.Note, d.Hint)
		}
		if out != c.out {
			t.Errorf("%s: output %q", c.name, out)
		}
	}
}

// A worker remembers where PATH found a command, and looks again when it has
// gone from there.
func TestCommandMoves(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	t.Setenv("PATH", one+":"+two+":"+os.Getenv("PATH"))
	for _, dir := range []string{one, two} {
		if err := os.WriteFile(dir+"/moving", []byte("#!/bin/sh\necho "+dir+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := hire(t, words("moving", "x"))
	b.hello()
	b.send(tasks(1, 1))
	if _, out := b.done(1); out != one+"\n" {
		t.Errorf("first: %q", out)
	}
	if err := os.Remove(one + "/moving"); err != nil {
		t.Fatal(err)
	}
	b.send(tasks(2, 2))
	if _, out := b.done(2); out != two+"\n" {
		t.Errorf("then: %q", out)
	}
}

// A task's environment is the worker's, and mpx's variables are those of this
// task and no other mpx's.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"MPX_SEQ", "MPX_ATTEMPT", "MPX_SLOT", "MPX_WORKER", "MPX_WORKER_PID", "MPX_JOBS"} {
		t.Setenv(name, "outer")
	}
	t.Setenv("OTHER", "stays")
	cfg := words("env")
	cfg.Worker, cfg.Slot, cfg.Jobs = 12, 3, 4
	b := hire(t, cfg)
	b.hello()
	b.send(taskOf(5))
	_, out := b.done(5)
	for _, want := range []string{"MPX_SEQ=5", "MPX_ATTEMPT=1", "MPX_SLOT=3", "MPX_WORKER=mpx-worker-12", "MPX_JOBS=4", "OTHER=stays"} {
		if !strings.Contains("\n"+out, "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(out, "outer") || strings.Count(out, "MPX_") != 6 {
		t.Error(out)
	}
}

// A task has three descriptors and those that its supervisor had inherited,
// /dev/null as its stdin, a session of its own, and ignores no signal but those
// that its supervisor had been made to ignore; the next one has the same.
func TestWhatATaskGets(t *testing.T) {
	b := hire(t, commands("ls /proc/$$/fd; readlink /proc/$$/fd/0; cut -d' ' -f1,5,6 /proc/$$/stat; grep SigIgn /proc/$$/status"))
	b.hello()
	b.send(tasks(1, 3))
	fds := []string{"0", "1", "2"}
	for fd := 3; fd < 1024; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			fds = append(fds, strconv.Itoa(fd))
		}
	}
	slices.Sort(fds)
	ignored := signalsIgnored(t)
	for i := 1; i <= 3; i++ {
		_, out := b.done(i)
		_, rest, ok := strings.Cut(out, strings.Join(fds, "\n")+"\n/dev/null\n")
		lines := strings.Split(rest, "\n")
		var pid, group, session int
		if n, err := fmt.Sscan(lines[0], &pid, &group, &session); n != 3 || pid != group || pid != session {
			t.Errorf("task %d: pid, group, session: %q, %v", i, lines[0], err)
		}
		if !ok || len(lines) < 2 || lines[1] != ignored {
			t.Errorf("task %d: %q, want descriptors %v", i, out, fds)
		}
	}
}

// signalsIgnored is the line of this process's status that tells.
func signalsIgnored(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "SigIgn:") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	t.Fatal("no SigIgn in /proc/self/status")
	return ""
}

// Descriptors handed through: what a task writes goes where the worker's does.
func TestInheritedFiles(t *testing.T) {
	path := t.TempDir() + "/out"
	cfg := commands("echo out $1; echo err >&2")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 150) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	cfg.Stdout = fd
	b := hire(t, cfg)
	unix.Close(fd)
	b.hello()
	b.send(tasks(1, 3))
	for i := 1; i <= 3; i++ {
		if _, out := b.done(i); out != "err\n" {
			t.Errorf("task %d: %q", i, out)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != "out 1\nout 2\nout 3\n" {
		t.Errorf("file: %q", got)
	}
}

// A machine without room for a process: the worker says so of this task and
// leaves, and says nothing of the next.
func TestNoStart(t *testing.T) {
	wait, open := gate(t)
	b := hire(t, commands(wait))
	b.hello()
	b.send(tasks(1, 3))
	eventually(t, "the task runs", func() bool { return b.board.Group.Load() != 0 })
	few := unix.Rlimit{Cur: 6, Max: 6} // room for the worker's own poll, which counts, and for no pipe
	if err := unix.Prlimit(b.pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	open(1)
	b.done(1)
	body, _ := b.want(ipc.KindNoStart)
	if seq, attempt, why, err := ipc.ParseNoStart(body); seq != 2 || attempt != 1 || !strings.Contains(why, "too many open files") || err != nil {
		t.Errorf("NOSTART %d, %d, %q, %v", seq, attempt, why, err)
	}
	b.bye()
}

// It leaves also when nothing else waits there.
func TestNoStartOfTheLast(t *testing.T) {
	b := hire(t, words("true"))
	b.hello()
	b.sync() // it has what it needs itself
	few := unix.Rlimit{Cur: 3, Max: 3}
	if err := unix.Prlimit(b.pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	b.send(tasks(1, 1))
	b.want(ipc.KindNoStart)
	b.bye()
}

// The initializer is task 0 of attempt 1, its stdout goes where stderr does, and
// no time limit is its own.
func TestInitializer(t *testing.T) {
	for _, cfg := range both() {
		limit := 100 * time.Millisecond
		for ; !initializes(t, cfg, limit) && !t.Failed(); limit *= 2 { // that is too little here for any task
			if limit > patience {
				t.Fatalf("nothing is done within %v", limit)
			}
		}
	}
}

// initializes is false if a task takes longer than limit, as its initializer does.
func initializes(t *testing.T, cfg ipc.Config, limit time.Duration) bool {
	cfg.Initializer = vector("sh", "-c", fmt.Sprintf("sleep %.1f; printf 'out \xff\n' | od -An -tx1; echo $MPX_SEQ >&2", 2*limit.Seconds()))
	cfg.Timeout = int64(limit)
	b := hire(t, cfg)
	b.send(tasks(1, 1))
	b.hello()
	if d, out := b.done(0); d.Exit != 0 || d.End != ipc.Ended || out != " 6f 75 74 20 ff 0a\n0\n" {
		t.Errorf("%+v, %q", d, out)
	}
	d, out := b.done(1)
	late := d.End == ipc.TimedOut && time.Duration(d.Elapsed) >= limit
	if !late && out != "2\n" {
		t.Errorf("%q", out)
	}
	b.send(empty(ipc.KindRetire))
	b.bye()
	return !late
}

// With an initializer that fails nothing starts.
func TestInitializerFails(t *testing.T) {
	for name, cfg := range both() {
		for _, init := range [][]string{{"sh", "-c", "exit 9"}, {"/no/such"}} {
			cfg.Initializer = vector(init...)
			b := hire(t, cfg)
			_, _ = b.requests.Write(tasks(1, 3)) // an error: it has ended by now
			b.hello()
			if d, _ := b.done(0); d.Exit != 9 && d.Exit != 127 {
				t.Errorf("%s: %+v", name, d)
			}
			b.bye()
		}
	}
}

// A record that cannot go into the command is the task's failure, with the
// remedy.
func TestRefusedRecord(t *testing.T) {
	d, _ := one(t, ipc.Config{Function: "exec", Args: spec(task.Spec{})}, "echo 'unfinished")
	if d.Exit == 0 {
		t.Errorf("%+v", d)
	}
	d, _ = one(t, words("echo"), "a\x00b")
	if d.Exit != 126 || d.Note == "" {
		t.Errorf("%+v", d)
	}
}
