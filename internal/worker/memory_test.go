package worker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/ipc"
	"mpx/internal/proc"
)

// inGroup is cfg with a memory group of its own, held to limit.
func inGroup(t *testing.T, cfg ipc.Config, limit int64) ipc.Config {
	t.Helper()
	m, err := proc.OpenMemoryGroups()
	if err != nil {
		t.Skip(err)
	}
	dir, err := m.Make(limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proc.RemoveMemoryGroup(dir, true); err != nil {
			t.Error(err)
		}
		m.Close()
	})
	cfg.LimitMemory, cfg.MemoryGroup = limit, []byte(dir)
	return cfg
}

// holder has a process hold 20 MB until wait is over; wrap is what starts it.
func holder(wrap, wait string) string {
	return wrap + ` sh -c 'dd bs=20M count=1 if=/dev/zero 2>/dev/null | { ` + wait + `; cat >/dev/null; }' & `
}

const overLimit = "over its --limit-memory of 48M"

// The tree of a task is held to the limit as a whole: one process does not
// exceed it, and of three that together do none lives on, whatever the shell
// that started them makes of it.
func TestMemoryOfTree(t *testing.T) {
	wait, open := gate(t)
	one := holder("", wait)
	b := hire(t, inGroup(t, commands(one+`test "$1" = 1 || { `+one+holder("setsid", wait)+` }; wait; echo coped`), 48<<20))
	b.hello()
	open(1)
	b.send(taskOf(1, "1"))
	d, out := b.done(1)
	if d.Exit != 0 || d.Signal != 0 || d.Note != "" || out != "coped\n" {
		t.Errorf("one: exit %d, signal %d, note %q, %q", d.Exit, d.Signal, d.Note, out)
	}
	if d.MaxRSS < 20<<20 || d.MaxRSS > 48<<20 {
		t.Errorf("one: maxrss %d", d.MaxRSS)
	}
	b.send(taskOf(2, "3"))
	d, out = b.done(2)
	if d.Exit != 0 || d.Signal != 9 || d.Note != overLimit || d.Hint == "" || strings.Contains(out, "coped") { // sh may say "Killed" of the first
		t.Errorf("three: exit %d, signal %d, note %q, %q", d.Exit, d.Signal, d.Note, out)
	}
	if left := proc.Descendants(b.pid); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A task's maxrss is its group's, not the greatest of its processes', nor that
// of the worker that forked it, nor that of the task before.
func TestMemoryPeak(t *testing.T) {
	b := hire(t, inGroup(t, commands(`dd bs="$1" count=1 if=/dev/zero of=/dev/null 2>/dev/null`), 64<<20))
	b.hello()
	for i, tt := range []struct {
		size        string
		least, most int64
		signal      int32
	}{
		{"1K", 1, 3 << 20, 0},
		{"40M", 40 << 20, 48 << 20, 0},
		{"1K", 1, 3 << 20, 0},
		{"100M", 62 << 20, 66 << 20, 9},
		{"1K", 1, 3 << 20, 0},
	} {
		b.send(taskOf(i+1, tt.size))
		d, _ := b.done(i + 1)
		if !d.Used || d.MaxRSS < tt.least || d.MaxRSS > tt.most || d.Signal != tt.signal || (d.Note != "") != (tt.signal != 0) {
			t.Errorf("%s: maxrss %d, signal %d, note %q", tt.size, d.MaxRSS, d.Signal, d.Note)
		}
	}
}

// The initializer is not held to the limit, and its peak is its own.
func TestMemoryOfInitializer(t *testing.T) {
	cfg := inGroup(t, commands("cat /proc/self/cgroup"), 32<<20)
	cfg.Initializer = vector("sh", "-c", "dd bs=64M count=1 if=/dev/zero of=/dev/null && cat /proc/self/cgroup")
	b := hire(t, cfg)
	b.hello()
	name := filepath.Base(string(cfg.MemoryGroup))
	if d, out := b.done(0); d.Exit != 0 || d.MaxRSS < 64<<20 || strings.Contains(out, name) {
		t.Errorf("initializer: exit %d, maxrss %d, %q", d.Exit, d.MaxRSS, out)
	}
	b.send(taskOf(1))
	if d, out := b.done(1); d.Exit != 0 || !strings.Contains(out, "/"+name+"\n") {
		t.Errorf("exit %d, %q does not have %s", d.Exit, out, name)
	}
}

// When the supervisor is gone, so are the task and the group.
func TestMemoryGroupOfOrphan(t *testing.T) {
	cfg := inGroup(t, commands("setsid sleep 99 & echo $! $$; exec sleep 99"), 32<<20)
	b := hire(t, cfg)
	b.hello()
	b.send(taskOf(1))
	body, _ := b.want(ipc.KindOut)
	o, err := ipc.ParseOut(body)
	if err != nil {
		t.Fatal(err)
	}
	b.requests.Close()
	b.results.Close()
	b.wantExit(0)
	for _, f := range strings.Fields(string(o.Data)) {
		if lives(pid(t, f)) {
			t.Errorf("process %s lives on", f)
		}
	}
	if _, err := os.Stat(string(cfg.MemoryGroup)); !os.IsNotExist(err) {
		t.Errorf("the group: %v", err)
	}
}

// A group that is removed between two tasks is made again: an mpx that cannot
// see the supervisor's pid may take it for stale.
func TestMemoryGroupGone(t *testing.T) {
	cfg := inGroup(t, commands("echo ran"), 32<<20)
	b := hire(t, cfg)
	b.hello()
	b.send(taskOf(1))
	b.done(1)
	if err := os.Remove(string(cfg.MemoryGroup)); err != nil {
		t.Fatal(err)
	}
	b.send(taskOf(2))
	if d, out := b.done(2); d.Exit != 0 || out != "ran\n" || d.MaxRSS > 5<<20 {
		t.Errorf("exit %d, %q, maxrss %d", d.Exit, out, d.MaxRSS)
	}
}

// A task that cannot enter does not run, and says why.
func TestMemoryGroupClosed(t *testing.T) {
	cfg := imitated(t, commands("echo ran"))
	dir := string(cfg.MemoryGroup)
	if err := os.Mkdir(dir+"/cgroup.procs", 0o700); err != nil {
		t.Fatal(err)
	}
	want := "mpx: cannot enter memory group " + dir + "\n"
	d, out := one(t, cfg)
	if lines := strings.SplitAfter(out, "\n"); d.Exit != 126 || len(lines) != 3 || lines[1] != want || !strings.Contains(lines[0], "/cgroup.procs") {
		t.Errorf("exit %d, %q", d.Exit, out)
	}
}

// imitated is cfg with a directory that looks like a group of version 2.
func imitated(t *testing.T, cfg ipc.Config) ipc.Config {
	t.Helper()
	dir := t.TempDir() + `/a "b" $c` + "`d`"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"memory.current": "0\n", "memory.peak": "0\n", "memory.events.local": "oom 0\noom_kill 0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg.LimitMemory, cfg.MemoryGroup = 3<<19, []byte(dir)
	return cfg
}

// Version 2, imitated: what the kernel counts decides what is said.
func TestMemoryNotes(t *testing.T) {
	cfg := imitated(t, commands(`echo 5555555 >"$1/memory.peak"; printf "$2" >"$1/memory.events.local"; kill -$3 $$; exit $4`))
	dir := string(cfg.MemoryGroup)
	b := hire(t, cfg)
	b.hello()
	for i, tt := range []struct {
		events, signal, exit string
		want                 ipc.Done
	}{
		{`oom 0\noom_kill 0\n`, "9", "0", ipc.Done{Signal: 9}},
		{`oom 1\noom_kill 0\n`, "0", "3", ipc.Done{Exit: 3}},
		{`oom 2\noom_kill 1\n`, "9", "0", ipc.Done{Signal: 9, Note: "over its --limit-memory of 1536K"}},
		{`oom 3\noom_kill 3\n`, "0", "0", ipc.Done{Signal: 9, Note: "over its --limit-memory of 1536K"}},
		{`oom 3\noom_kill 3\n`, "0", "0", ipc.Done{}},
		{`oom 3\noom_kill 4\n`, "9", "0", ipc.Done{Signal: 9, Note: "the kernel killed a process of it: the machine, or a cgroup above, was out of memory"}},
	} {
		b.send(taskOf(i+1, dir, tt.events, tt.signal, tt.exit))
		d, out := b.done(i + 1)
		if d.Exit != tt.want.Exit || d.Signal != tt.want.Signal || d.Note != tt.want.Note || (d.Hint != "") != (d.Note != "") || out != "" || d.MaxRSS != 5555555 {
			t.Errorf("%s: %+v, %q", tt.events, d, out)
		}
	}
	entered, err := os.ReadFile(dir + "/cgroup.procs")
	if err != nil || pid(t, string(entered)) <= 0 {
		t.Errorf("entered by %q, %v", entered, err)
	}
}
