package shm

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	helpers["headless"] = helpHeadless
	helpers["become"] = helpBecome
}

// testSem returns the sem "s", one of whose slots is this process's, and which is
// removed in the end.
func testSem(t *testing.T, d *Dir, slots int) *Sem {
	t.Helper()
	s, err := d.AcquireSem("s", slots, false, WaitFor(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return s
}

func wantCounts(t *testing.T, s *Sem, slots, free, over int) {
	t.Helper()
	gotSlots, gotFree, gotOver, err := s.Counts()
	if err != nil || gotSlots != slots || gotFree != free || gotOver != over {
		t.Errorf("%d slots, %d free, %d too many, %v; want %d, %d, %d", gotSlots, gotFree, gotOver, err, slots, free, over)
	}
}

func TestSemResize(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 2)
	for _, step := range []struct{ slots, free, over int }{
		{5, 4, 0}, {3, 2, 0}, {1, 0, 0}, {4, 3, 0},
	} {
		if err := s.resize(step.slots); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s, step.slots, step.free, step.over)
	}
	for range 3 { // all four are this process's
		if err := s.acquire(WaitFor(0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ slots, free, over int }{
		{1, 0, 3}, {2, 0, 2}, {1, 0, 3}, {5, 1, 0}, {MaxSlots, MaxSlots - 4, 0}, {4, 0, 0},
	} {
		if err := s.resize(step.slots); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s, step.slots, step.free, step.over)
	}
	var other *SlotsError
	if _, err := d.AcquireSem("s", 9, false, WaitFor(0)); !errors.As(err, &other) || other.Have != 4 {
		t.Errorf("another number of slots: %v", err)
	}
	if _, err := d.AcquireSem("s", 4, false, WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Errorf("no slot free: %v", err)
	}
}

// A sem made smaller than what is held has no free slot before so many have ended, in
// whichever places they are.
func TestSemFewer(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 4)
	for range 3 {
		noError(t, s.acquire(WaitFor(0)))
	}
	noError(t, s.resize(2))
	for _, step := range []struct{ place, free, over int }{{0, 0, 1}, {1, 0, 0}, {3, 1, 0}} {
		noError(t, s.guarded(func() error { s.forget(step.place); return nil }))
		wantCounts(t, s, 2, step.free, step.over)
		err := s.guarded(func() error {
			if i, err := s.findFree(1); err != nil || i >= 0 != (step.free > 0) {
				t.Errorf("place %d gone: found %d, %v", step.place, i, err)
			}
			return nil
		})
		noError(t, err)
	}
	noError(t, s.acquire(WaitFor(0)))
	wantCounts(t, s, 2, 0, 0)
}

// Who has ended has no slot, though nobody has reaped it; nor has one whose pid is
// another's now.
func TestSemEnded(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 3)
	cmd := exec.Command("true")
	noError(t, cmd.Start())
	id := identity{pid: cmd.Process.Pid}
	eventually(t, "it has ended", func() bool {
		f, _ := statOf(id.pid)
		id.start, _ = strconv.ParseUint(string(f[19]), 10, 64)
		return f[0][0] == 'Z'
	})
	me, _ := identityOf(unix.Getpid())
	err := s.guarded(func() error {
		s.take(1, id)
		s.take(2, identity{me.pid, me.start + 1})
		return nil
	})
	noError(t, err)
	wantCounts(t, s, 3, 2, 0)
	if list := partiesOf(t, d, "s"); len(list) != 1 || list[0].PID != me.pid {
		t.Errorf("parties: %v", list)
	}
	for range 2 {
		noError(t, s.acquire(WaitFor(0)))
	}
	if err := s.acquire(WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Errorf("all are held: %v", err)
	}
	noError(t, cmd.Wait())
}

// helpHeadless takes a slot of the sem "s", and goes on without its first thread until
// its stdin ends.
func helpHeadless(args []string) error {
	runtime.GOMAXPROCS(4)
	d, err := OpenDir(args[0])
	if err == nil {
		_, err = d.AcquireSem("s", 0, false, WaitFor(0))
	}
	if err != nil {
		return err
	}
	for range 100 { // each has a thread of its own
		go func() {
			runtime.LockOSThread()
			for unix.Gettid() != unix.Getpid() {
				time.Sleep(time.Hour)
			}
			_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
		}()
	}
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go func() {
			_, _ = os.Stdin.Read(make([]byte, 1))
			os.Exit(0)
		}()
		_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	}
	_, err = os.Stdin.Read(make([]byte, 1))
	_ = err // its end
	return nil
}

// A process whose first thread has ended has its slot as long as others go on.
func TestSemHeadless(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 2)
	cmd := objectHelper(t, d, "headless")
	in, err := cmd.StdinPipe()
	noError(t, err)
	noError(t, cmd.Start())
	eventually(t, "its first thread has ended", func() bool {
		f, _ := statOf(cmd.Process.Pid)
		return f != nil && f[0][0] == 'Z'
	})
	wantCounts(t, s, 2, 0, 0)
	if err := s.acquire(WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Errorf("both are held: %v", err)
	}
	in.Close()
	noError(t, s.acquire(WaitFor(patience)))
	noError(t, cmd.Wait())
}

// A file that another program has changed is an error, and no fault.
func TestSemDamaged(t *testing.T) {
	for _, n := range []uint32{0, MaxSlots + 1} {
		d := testDir(t)
		s := testSem(t, d, 1)
		s.size().Store(n)
		if _, err := d.AcquireSem("s", 0, false, WaitFor(0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("of %d slots: %v", n, err)
		}
		if _, err := d.AcquireSem("s", 2, true, WaitFor(0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("resize, of %d slots: %v", n, err)
		}
	}
}

// helpBecome becomes itself again and again, as often as it is told, by threads that are
// not its first.
func helpBecome(args []string) error {
	n, err := strconv.Atoi(args[1])
	if n == 0 || err != nil {
		return err
	}
	failed := make(chan error)
	for range 2 { // one may have the first thread
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() != unix.Getpid() {
				failed <- unix.Exec("/proc/self/exe", []string{os.Args[0], args[0], strconv.Itoa(n - 1)}, os.Environ())
			}
			select {}
		}()
	}
	return <-failed
}

// One that becomes another command has not ended meanwhile.
func TestSemBecome(t *testing.T) {
	d := testDir(t)
	cmd := objectHelper(t, d, "become", "30")
	noError(t, cmd.Start())
	id, unseen := identityOf(cmd.Process.Pid)
	for unseen == nil && !id.ended() { //nolint:revive // until it says so
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, id.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	if unseen != nil || err != nil || info.Signo != int32(unix.SIGCHLD) {
		t.Errorf("it has not ended, or was not there: %v %v", unseen, err)
	}
	noError(t, cmd.Wait())
}
