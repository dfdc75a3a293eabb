package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// imitate makes a directory that looks like a cgroup's.
func imitate(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func set(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChooseGroup(t *testing.T) {
	const me = 77
	v2 := imitate(t, map[string]string{"cgroup.controllers": "cpu memory pids\n", "cgroup.procs": "5\n77\n", "cgroup.subtree_control": "\n"})
	hybrid := imitate(t, map[string]string{"cgroup.controllers": "hugetlb\n", "cgroup.procs": "77\n", "cgroup.subtree_control": "\n"})
	above := imitate(t, map[string]string{"cgroup.controllers": "memory\n", "cgroup.procs": "5\n770\n", "cgroup.subtree_control": "\n"})
	v1 := imitate(t, map[string]string{"cgroup.procs": "77\n78\n"})
	bare := imitate(t, map[string]string{"cgroup.controllers": "memory\n", "cgroup.procs": "77\n"})
	for _, tt := range []struct {
		name   string
		groups []cgroup
		want   cgroup // none: an error
	}{
		{"none", nil, cgroup{}},
		{"version 2", []cgroup{{v2, false}, {above, false}}, cgroup{v2, false}},
		{"memory is version 1's", []cgroup{{hybrid, false}, {v1, true}}, cgroup{v1, true}},
		{"not in it", []cgroup{{above, false}}, cgroup{}},
		{"not there", []cgroup{{v2 + "/nowhere", false}}, cgroup{}},
		{"may not be divided", []cgroup{{bare, false}}, cgroup{}},
	} {
		m, err := chooseGroup(tt.groups, me)
		if (err == nil) != (tt.want.dir != "") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && (m.own != tt.want.dir || m.home != m.own || m.v1 != tt.want.v1) {
			t.Errorf("%s: %+v, want %+v", tt.name, *m, tt.want)
		}
	}
}

// Where memory is shared out already, and this process is nevertheless there,
// nothing is moved; where others are, they are not moved.
func TestEnable(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	m := &MemoryGroups{own: imitate(t, map[string]string{"cgroup.procs": "1\n" + me + "\n", "cgroup.subtree_control": "cpu memory\n"})}
	m.home = m.own
	if err := m.enable("memory"); err != nil || m.home != m.own {
		t.Errorf("the root: %v, %+v", err, *m)
	}
	set(t, m.own+"/cgroup.subtree_control", "cpu\n")
	if err := m.enable("memory"); err == nil || !strings.Contains(err.Error(), "process 1 is in ") {
		t.Errorf("not alone: %v", err)
	}
	if dirs := subgroups(m.own); len(dirs) > 0 {
		t.Errorf("left %v", dirs)
	}
}

// A directory that has none of a group's files is no group, and does not stay.
func TestMakeNoGroup(t *testing.T) {
	dir := t.TempDir() + "/x"
	for _, v1 := range []bool{false, true} {
		if err := makeGroup(dir, 1<<20, v1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", v1, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := OpenMemoryGroup(t.TempDir(), 1<<20); err == nil {
		t.Error("an empty directory is opened")
	}
}

func TestMemoryGroupV2(t *testing.T) {
	const events = "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 1\n"
	dir := imitate(t, map[string]string{"memory.peak": "9\n", "memory.current": "4096\n", "memory.events": events})
	g, err := OpenMemoryGroup(dir, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	if err := g.Begin(); err != nil {
		t.Fatal(err)
	}
	if killed, _ := g.Killed(); killed || g.Alarm() >= 0 {
		t.Error("killed before it began")
	}
	if n, ok := g.Peak(); n != 0 || !ok { // what a reset writes is all that the imitation holds
		t.Errorf("peak %d, %v", n, ok)
	}
	set(t, dir+"/memory.peak", "7000000\n")
	if n, ok := g.Peak(); n != 7000000 || !ok {
		t.Errorf("peak %d, %v", n, ok)
	}
	set(t, dir+"/memory.events", strings.Replace(events, "oom_kill 1", "oom_kill 2", 1))
	if killed, over := g.Killed(); !killed || over {
		t.Errorf("killed for one above: %v, %v", killed, over)
	}
	set(t, dir+"/memory.events", strings.NewReplacer("oom_kill 1", "oom_kill 2", "oom 2", "oom 3").Replace(events))
	if killed, over := g.Killed(); !killed || !over {
		t.Errorf("killed: %v, %v", killed, over)
	}
}

// Before 5.19 there is no peak.
func TestMemoryGroupWithoutPeak(t *testing.T) {
	g, err := OpenMemoryGroup(imitate(t, map[string]string{"memory.current": "0\n", "memory.events.local": "oom_kill 0\n"}), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for range 2 {
		if err := g.Begin(); err != nil {
			t.Error(err)
		}
		if n, ok := g.Peak(); n != 0 || ok {
			t.Errorf("peak %d, %v", n, ok)
		}
	}
}

func TestHomeOf(t *testing.T) {
	dir := t.TempDir()
	if got := homeOf(dir + "/mpx-7-1"); got != dir {
		t.Errorf("without a leaf: %s", got)
	}
	if err := os.Mkdir(dir+"/mpx-7", 0o700); err != nil {
		t.Fatal(err)
	}
	if got := homeOf(dir + "/mpx-7-1"); got != dir+"/mpx-7" {
		t.Errorf("with a leaf: %s", got)
	}
}

// needGroups skips the test where this machine lets no memory groups be made.
func needGroups(t *testing.T) {
	t.Helper()
	m, err := OpenMemoryGroups()
	if err != nil {
		t.Skip(err)
	}
	m.Close()
}

func realGroups(t *testing.T) *MemoryGroups {
	t.Helper()
	m, err := OpenMemoryGroups()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// enter is the script that takes a shell into a group, its $0.
const enter = `echo $$ >"$0/cgroup.procs" && `

func TestRealMemoryGroup(t *testing.T) {
	needGroups(t)
	f := alone(t)
	if f == nil {
		return
	}
	m := realGroups(t)
	dir, err := m.Make(48 << 20)
	if err != nil {
		t.Fatal(err)
	}
	run := func(script string) string {
		c := f.start(t, &Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", enter + script, dir}, Env: os.Environ()})
		out := c.rest(t)
		c.wait(t)
		return out
	}
	g, err := OpenMemoryGroup(dir, 48<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for _, tt := range []struct {
		script       string
		least, most  int64
		killed, over bool
	}{
		{"cat /dev/null", 1, 5 << 20, false, false},
		{"dd bs=30M count=1 if=/dev/zero of=/dev/null 2>/dev/null; cat /proc/self/cgroup", 30 << 20, 40 << 20, false, false},
		{"cat /dev/null", 1, 5 << 20, false, false},
		{"dd bs=60M count=1 if=/dev/zero of=/dev/null 2>/dev/null; :", 47 << 20, 50 << 20, true, true},
		{"cat /dev/null", 1, 5 << 20, false, false},
		// What stays in memory of it is not the next one's:
		{"head -c 30M /dev/zero >/dev/shm/mpx-test-$$; echo $$", 30 << 20, 40 << 20, false, false},
		{"dd bs=30M count=1 if=/dev/zero of=/dev/null 2>/dev/null", 30 << 20, 40 << 20, false, false},
	} {
		if err := g.Begin(); err != nil {
			t.Fatal(err)
		}
		out := run(tt.script)
		if strings.Contains(tt.script, "/proc/self/cgroup") && !strings.Contains(out, "/"+filepath.Base(dir)+"\n") {
			t.Errorf("not in %s: %q", dir, out)
		}
		if strings.Contains(tt.script, "/dev/shm") {
			defer os.Remove("/dev/shm/mpx-test-" + strings.TrimSpace(out))
		}
		if n, ok := g.Peak(); !ok || n < tt.least || n > tt.most {
			t.Errorf("%s: peak %d, %v", tt.script, n, ok)
		}
		if killed, over := g.Killed(); killed != tt.killed || over != tt.over {
			t.Errorf("%s: killed %v, over %v", tt.script, killed, over)
		}
	}
	wantRemoved(t, dir, false)
}

func wantRemoved(t *testing.T, dir string, kill bool) {
	t.Helper()
	if err := RemoveMemoryGroup(dir, kill); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", dir, err)
	}
	if err := RemoveMemoryGroup(dir, kill); err != nil {
		t.Errorf("again: %v", err)
	}
}

// What is still in a group, or in one that was made in it, is killed or moves
// on, as asked.
func TestRemoveMemoryGroup(t *testing.T) {
	needGroups(t)
	f := alone(t)
	if f == nil {
		return
	}
	m := realGroups(t)
	for _, kill := range []bool{false, true} {
		dir, err := m.Make(1 << 30)
		if err != nil {
			t.Fatal(err)
		}
		nested := dir + "/nested"
		if err := os.Mkdir(nested, 0o755); err != nil {
			t.Fatal(err)
		}
		var all []*child
		for _, d := range []string{dir, nested} {
			c := f.start(t, &Spec{
				Path: "/bin/sh", Env: os.Environ(),
				Argv: []string{"sh", "-c", "echo $$ >$0/cgroup.procs; echo in; read x; :", d},
			})
			c.line(t)
			all = append(all, c)
		}
		wantRemoved(t, dir, kill)
		for _, c := range all {
			if kill {
				if ws := c.wait(t); ws != killedBy(unix.SIGKILL) {
					t.Errorf("ended with %#x", ws)
				}
			} else if pids, err := groupPids(m.home); err != nil || !slices.Contains(pids, c.pid) {
				t.Errorf("%d is not among %v, %v", c.pid, pids, err)
			}
		}
	}
}

// Groups of dead processes are removed, with what is in them; others are not.
func TestRemoveStaleGroups(t *testing.T) {
	needGroups(t)
	m := realGroups(t)
	const dead = 1 << 30 // above any pid
	names := map[string]bool{
		"mpx-" + strconv.Itoa(dead) + "-1": true, "mpx-" + strconv.Itoa(dead): true, "mpx-" + strconv.Itoa(dead) + "-2/mpx-1-1": true,
		"mpx-" + strconv.Itoa(os.Getpid()) + "-0": false, "mpx-x" + strconv.Itoa(dead): false, "other": false,
	}
	base := m.own
	for name := range names {
		if err := os.MkdirAll(filepath.Join(base, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.removeStale()
	for name, stale := range names {
		_, err := os.Stat(filepath.Join(base, name))
		if stale != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		top, _, _ := strings.Cut(name, "/")
		_ = removeTree(filepath.Join(base, top))
	}
}

// Version 2, for real, by whichever controller is shared out to the groups
// beside this process: memory or not, the rules of moving are the same.
func TestRealLeaf(t *testing.T) {
	root, controller := sharedOut(t)
	f := alone(t)
	if f == nil {
		return
	}
	m := &MemoryGroups{own: root + "/mpx-test-" + strconv.Itoa(os.Getpid())}
	m.home = m.own
	if err := os.Mkdir(m.own, 0o755); err != nil {
		t.Skip(err)
	}
	defer unix.Rmdir(m.own)
	defer moveAll(m.own, root)
	c := f.sh(t, "echo up; read x; :")
	c.line(t)
	for _, pid := range []int{os.Getpid(), c.pid} {
		if err := writeGroup(m.own+"/cgroup.procs", strconv.Itoa(pid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.enable(controller); err != nil {
		t.Fatal(err)
	}
	if pids, err := groupPids(m.home); err != nil || m.home == m.own || !slices.Contains(pids, os.Getpid()) || !slices.Contains(pids, c.pid) {
		t.Errorf("in %s: %v, %v", m.home, pids, err)
	}
	group := m.home + "-1"
	if err := os.Mkdir(group, 0o755); err != nil || !lists(group+"/cgroup.controllers", controller) {
		t.Errorf("%s does not have %s: %v", group, controller, err)
	}
	d := f.start(t, &Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", enter + "echo in; read x; :", group}, Env: os.Environ()})
	if got := d.line(t); got != "in" {
		t.Error(got)
	}
	wantRemoved(t, group, false)
	if pids, err := groupPids(m.home); err != nil || !slices.Contains(pids, d.pid) {
		t.Errorf("%d is not among %v, %v", d.pid, pids, err)
	}
	m.disable(controller)
	if pids, err := groupPids(m.own); err != nil || m.home != m.own || len(pids) != 3 || len(subgroups(m.own)) > 0 {
		t.Errorf("back in %s: %v, %v; below it %v", m.home, pids, err, subgroups(m.own))
	}
}

// sharedOut returns this process's cgroup of version 2, and a controller that
// groups in it have.
func sharedOut(t *testing.T) (dir, controller string) {
	t.Helper()
	for _, g := range ownGroups() {
		pids, err := groupPids(g.dir)
		if g.v1 || err != nil || !slices.Contains(pids, os.Getpid()) {
			continue
		}
		b, _ := os.ReadFile(g.dir + "/cgroup.subtree_control")
		for _, word := range strings.Fields(string(b)) {
			return g.dir, word
		}
	}
	t.Skip("no cgroup of version 2 shares out a controller beside this process")
	return "", ""
}
