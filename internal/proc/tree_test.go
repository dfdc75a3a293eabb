package proc

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func sorted(pids []int) []int { return slices.Sorted(slices.Values(pids)) }

// pids reads n lines of a name and a pid.
func (c *child) pids(t *testing.T, n int) map[string]int {
	t.Helper()
	m := map[string]int{}
	for range n {
		name, pid, _ := strings.Cut(c.line(t), " ")
		var err error
		if m[name], err = strconv.Atoi(pid); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestChildren(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	if got := Children(os.Getpid()); len(got) != 0 {
		t.Errorf("without children: %v", got)
	}
	c := f.sh(t, `exec 3<&0
		cat <&3 & echo cat $!
		sh -c 'cat <&3 & echo grandchild1 $!; cat <&3 & echo grandchild2 $!; wait' & echo shell $!
		wait`)
	dead := f.sh(t, "exit")
	dead.ended(t)
	p := c.pids(t, 4)
	for _, list := range []struct {
		name string
		of   func(int) []int
	}{{"Children", Children}, {"childrenByScan", childrenByScan}} {
		for pid, want := range map[int][]int{
			os.Getpid(): {c.pid, dead.pid},
			c.pid:       {p["cat"], p["shell"]},
			p["shell"]:  {p["grandchild1"], p["grandchild2"]},
			p["cat"]:    nil,
			dead.pid:    nil,
		} {
			if got := sorted(list.of(pid)); !slices.Equal(got, sorted(want)) {
				t.Errorf("%s(%d) = %v, want %v of %v", list.name, pid, got, sorted(want), p)
			}
		}
	}
	all := Descendants(os.Getpid())
	if want := []int{c.pid, dead.pid, p["cat"], p["shell"], p["grandchild1"], p["grandchild2"]}; !slices.Equal(sorted(all), sorted(want)) {
		t.Errorf("Descendants = %v, want %v", all, want)
	}
	at := func(pid int) int { return slices.Index(all, pid) }
	if at(c.pid) > at(p["shell"]) || at(p["shell"]) > min(at(p["grandchild1"]), at(p["grandchild2"])) {
		t.Errorf("Descendants = %v: a child stands before its parent", all)
	}
	if got := Descendants(p["shell"]); !slices.Equal(sorted(got), sorted([]int{p["grandchild1"], p["grandchild2"]})) {
		t.Errorf("Descendants of the inner shell = %v", got)
	}

	reap(t, dead.pid)
	if a, b := Children(dead.pid), childrenByScan(dead.pid); a != nil || b != nil {
		t.Errorf("of one that is gone: %v, %v", a, b)
	}
}

// The children of a process are those of all its threads.
func TestChildrenOfThreads(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	started, stay := make(chan int), make(chan bool)
	defer close(stay)
	var want []int
	for range 4 {
		onThread(func() {
			started <- f.sh(t, "read x").pid
			<-stay
		})
		want = append(want, <-started)
	}
	if got := sorted(Children(os.Getpid())); !slices.Equal(got, sorted(want)) {
		t.Errorf("Children = %v, want %v", got, want)
	}
}

func TestReadStat(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	session, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	self, err := ReadStat(os.Getpid())
	want := Stat{State: self.State, Parent: os.Getppid(), Group: unix.Getpgrp(), Session: session}
	if err != nil || self != want || !strings.Contains("RS", string(self.State)) {
		t.Errorf("self: %+v, want %+v, %v", self, want, err)
	}

	// A name may look like what follows it.
	for _, name := range []string{"cat", ") R (", ") Z 1 1 1 (", "a b", "))))", "((((", "\n) T 0", "\xff"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.Symlink("/bin/cat", path); err != nil {
			t.Fatal(err)
		}
		c := f.start(t, &Spec{Path: path, Argv: []string{"cat"}, Session: true})
		inState(t, c.pid, 'S')
		want := Stat{State: 'S', Parent: os.Getpid(), Group: c.pid, Session: c.pid}
		if got, err := ReadStat(c.pid); got != want || err != nil {
			t.Errorf("%q: %+v, want %+v, %v", name, got, want, err)
		}
	}

	c := f.sh(t, "kill -STOP $$; exit 5")
	inState(t, c.pid, 'T')
	SignalAll([]int{c.pid}, unix.SIGCONT)
	c.ended(t)
	inState(t, c.pid, 'Z')
	if ws := reap(t, c.pid); ws != exited(5) {
		t.Errorf("status %#x", ws)
	}
	if st, err := ReadStat(c.pid); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH) || st != (Stat{}) {
		t.Errorf("of one that is gone: %+v, %v", st, err)
	}
}

func TestSignalAll(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	dead, a, b := f.sh(t, "exit 1"), f.sh(t, "read x"), f.sh(t, "read x")
	dead.ended(t)
	SignalAll([]int{dead.pid, a.pid, b.pid}, unix.SIGTERM)
	SignalAll(nil, unix.SIGTERM)
	for c, want := range map[*child]syscall.WaitStatus{dead: exited(1), a: killedBy(unix.SIGTERM), b: killedBy(unix.SIGTERM)} {
		if ws := c.wait(t); ws != want {
			t.Errorf("status %#x, want %#x", ws, want)
		}
	}
}

func all(int) bool { return true }

// Whatever children are and do, EndChildren ends them and all below them.
func TestEndChildren(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		script string // its stdin, on which everything waits, is descriptor 3 too
		ready  int    // how many lines say that it has come about
		state  byte   // and which state of the child, if any
		want   syscall.WaitStatus
	}{
		{"child", "echo; exec cat", 1, 0, killedBy(unix.SIGKILL)},
		{"ended", "exit 3", 0, 'Z', exited(3)},
		{"killed", "kill -TERM $$", 0, 'Z', killedBy(unix.SIGTERM)},
		{"tree", "for i in 1 2 3; do sh -c 'cat <&3 & cat <&3 & echo; wait' & done; wait", 3, 0, killedBy(unix.SIGKILL)},
		{"deaf", "trap '' TERM INT HUP QUIT; echo; cat", 1, 0, killedBy(unix.SIGKILL)},
		{"stopped", "kill -STOP $$; cat", 0, 'T', killedBy(unix.SIGKILL)},
		{"stopped tree", "cat <&3 & kill -STOP $! $$; cat", 0, 'T', killedBy(unix.SIGKILL)},
		{"daemon", "setsid sh -c 'cat <&3 & echo' & exec cat", 1, 0, killedBy(unix.SIGKILL)},
		{"orphans", "setsid sh -c 'cat <&3 & echo' & (cat <&3 & echo) & wait; exit 4", 2, 'Z', exited(4)},
		{"orphan with children", "(setsid sh -c 'cat <&3 & setsid cat <&3 & echo; wait' &)", 1, 'Z', exited(0)},
		{"storm", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); cat <&3 & [ $i != 20 ] || echo; done; wait", 1, 0, killedBy(unix.SIGKILL)},
		{"storm of orphans", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); (cat <&3 &); [ $i != 20 ] || echo; done; cat", 1, 0, killedBy(unix.SIGKILL)},
		// Each process starts the next and is gone.
		{"chain", "f() { i=$((i+1)); [ $i != 20 ] || echo; [ $i -gt 1000 ] || f & }; i=0; f; exit 4", 1, 'Z', exited(4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := f.sh(t, "exec 3<&0; "+tt.script)
			for range tt.ready {
				c.line(t)
			}
			if tt.state != 0 {
				inState(t, c.pid, tt.state)
			}
			reaped := map[int]syscall.WaitStatus{}
			left := EndChildren(all, patience, func(pid int, ws syscall.WaitStatus, ru *syscall.Rusage) {
				if _, twice := reaped[pid]; twice || pid == c.pid && ru.Maxrss == 0 {
					t.Errorf("child %d: twice %v, usage %+v", pid, twice, ru)
				}
				reaped[pid] = ws
			})
			if left != 0 {
				t.Errorf("%d are left", left)
			}
			if ws, ok := reaped[c.pid]; !ok || ws != tt.want {
				t.Errorf("reaped %v, status %#x, want %#x", ok, ws, tt.want)
			}
			if pid, _, err := Reap(nil); err != unix.ECHILD {
				t.Errorf("a child is left: %d, %v", pid, err)
			}
			if scan := childrenByScan(os.Getpid()); len(scan) != 0 {
				t.Errorf("/proc has children of ours: %v", scan)
			}
			c.rest(t) // comes to an end: nobody is left who could write
		})
	}
	if left := EndChildren(all, 0, nil); left != 0 {
		t.Errorf("without children: %d are left", left)
	}
}

// Those that are not mine live on, with what is below them.
func TestEndChildrenSpares(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	const tree = "exec 3<&0; cat <&3 & echo cat $!; wait"
	mine, other := f.sh(t, tree), f.sh(t, tree)
	mine.line(t)
	below := other.pids(t, 1)["cat"]
	var reaped []int
	left := EndChildren(func(pid int) bool { return pid != other.pid }, patience, func(pid int, _ syscall.WaitStatus, _ *syscall.Rusage) {
		reaped = append(reaped, pid)
	})
	if left != 0 || !slices.Contains(reaped, mine.pid) || slices.Contains(reaped, other.pid) {
		t.Errorf("%d left, reaped %v", left, reaped)
	}
	mine.rest(t)
	if got := Descendants(os.Getpid()); !slices.Equal(got, []int{other.pid, below}) {
		t.Errorf("left are %v, want %d and %d", got, other.pid, below)
	}
	for _, pid := range []int{other.pid, below} {
		inState(t, pid, 'S') // neither stopped nor killed
	}
	f.hold.Close()
	if ws := other.wait(t); ws != exited(0) {
		t.Errorf("status of the spared: %#x", ws)
	}
}

// What is below a child ends with it, even if nobody asks for it when it has
// become an orphan.
func TestEndChildrenEndsWhatIsBelow(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	c := f.sh(t, "exec 3<&0; sh -c 'setsid cat <&3 & echo cat $!; wait' & wait")
	below := c.pids(t, 1)["cat"]
	left := EndChildren(func(pid int) bool { return pid == c.pid }, patience, nil)
	if left != 0 {
		t.Errorf("%d left", left)
	}
	c.rest(t)
	// It closes its files before its parent's end makes it a child of ours.
	eventually(t, "the orphan comes here", func() bool { return slices.Contains(Children(os.Getpid()), below) })
	if ws := reap(t, below); ws != killedBy(unix.SIGKILL) {
		t.Errorf("status of the orphan %#x", ws)
	}
}

// As the supervisor does for a dead worker: the processes of one session, while
// they start others, and not those of another.
func TestEndChildrenOfSession(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	other := f.sh(t, "read x; exit 5")
	for range 5 {
		c := f.start(t, &Spec{
			Path: "/bin/sh", Session: true,
			Argv: []string{"sh", "-c", "exec 3<&0; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); cat <&3 & [ $i != 5 ] || echo; done; wait"},
		})
		c.line(t)
		left := EndChildren(func(pid int) bool {
			st, err := ReadStat(pid)
			return err == nil && st.Session == c.pid
		}, patience, nil)
		if left != 0 {
			t.Errorf("%d left", left)
		}
		c.rest(t)
		if got := childrenByScan(os.Getpid()); !slices.Equal(got, []int{other.pid}) {
			t.Errorf("children are %v, want %d", got, other.pid)
		}
	}
	f.hold.Close()
	if ws := other.wait(t); ws != exited(5) {
		t.Errorf("status of the other %#x", ws)
	}
}

// EndChildren gives up at its limit, and counts who is left then.
func TestEndChildrenLimit(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	dead := f.sh(t, "exit")
	dead.ended(t)
	if left := EndChildren(all, 0, nil); left != 0 {
		t.Errorf("a child that had ended: %d left", left)
	}
	if pid, _, err := Reap(nil); err != unix.ECHILD {
		t.Errorf("it was not reaped: %d, %v", pid, err)
	}

	// No time at all: it is killed, and left unless it was quick to die.
	c, wasReaped := f.sh(t, "read x"), false
	left := EndChildren(all, 0, func(int, syscall.WaitStatus, *syscall.Rusage) { wasReaped = true })
	if left > 1 || (left == 0) != wasReaped {
		t.Errorf("%d left, reaped %v", left, wasReaped)
	}
	if !wasReaped {
		if ws := c.wait(t); ws != killedBy(unix.SIGKILL) {
			t.Errorf("status %#x", ws)
		}
	}
}
