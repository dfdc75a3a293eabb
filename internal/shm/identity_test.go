package shm

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Of a process that lives, of one that waits to be reaped and of one that never was /proc
// tells what they are.
func TestIdentity(t *testing.T) {
	self, err := identityOf(os.Getpid())
	if mine, err2 := me(); err != nil || err2 != nil || self != mine {
		t.Errorf("%v, %v; %v, %v", self, err, mine, err2)
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	noError(t, err)
	noError(t, cmd.Start())
	id, err := identityOf(cmd.Process.Pid)
	noError(t, err)
	if lives, err := id.lives(); !lives || err != nil {
		t.Error(lives, err)
	}
	if lives, err := (identity{id.pid, id.start + 1}).lives(); lives || err != nil {
		t.Error("another that had its pid: ", lives, err)
	}
	in.Close()
	noError(t, unix.Waitid(unix.P_PID, id.pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	for range 2 { // to be reaped, and gone
		if _, err := identityOf(id.pid); !errors.Is(err, errNoProcess) {
			t.Error(err)
		}
		_ = cmd.Wait()
	}
}

// Without descriptors nothing can be told of any process, and it is neither alive nor
// dead: a barrier is not broken, nobody is woken, no record goes, no row is taken back.
func TestUnknown(t *testing.T) {
	d := testDir(t)
	dead := deadIdentity(t, d)
	b, err := d.OpenBarrier("b", 3)
	noError(t, err)
	defer b.Close()
	p := testProcess(t, d, "true")
	pool, err := d.MakePool("pool", func(string) error { return nil })
	noError(t, err)
	defer pool.Close()
	table, err := d.MakeTable("t", KindQueue, 1, [TableWords]uint64{}, "")
	noError(t, err)
	defer table.Close()
	other, err := identityOf(os.Getppid())
	noError(t, err)
	noError(t, b.guarded(func() error { b.enterAs(other, Waits, uint64(newTicket(0))); return nil }))
	noError(t, table.Change(Wait{}, func(c *Change) error {
		c.Set(0, Row{RowHeld, 5: uint64(dead.pid), 6: dead.start})
		return nil
	}))
	table.uint64At(dataOffset + 8*5).Store(uint64(other.pid)) // it lives, as another
	ring, f, err := CreateRing(100)
	noError(t, err)
	defer func() { noError(t, errors.Join(ring.Close(), f.Close())) }()
	sender, err := ring.Sender()
	noError(t, err)

	without := withoutDescriptors(t)
	sender.Expect(other.pid)
	for name, do := range map[string]func() error{
		"barrier": func() error { _, _, err := b.State(); return err },
		"parties": func() error { _, err := b.Parties(); return err },
		"process": func() error { _, err := p.Look(); return err },
		"removal": p.Remove,
		"pool":    func() error { _, _, err := pool.Look(); return err },
		"poolrm":  pool.Remove,
		"row": func() error {
			return table.Change(Wait{}, func(c *Change) error { r := c.Row(0); c.Words[0] = 1; _ = c.Dead(&r); return nil })
		},
		"parent": func() error { _, err := parentOf(os.Getpid()); return err },
		"ring":   func() error { return sender.e.gone() },
	} {
		var unknown *UnknownError
		if err := do(); !errors.As(err, &unknown) || !errors.Is(err, unix.EMFILE) || unknown.Hint() != tooFewFiles {
			t.Errorf("%s: %v", name, err)
		}
	}
	without()
	sender.Close()
	if table.Word(0) != 0 || b.isBroken() || b.arrived() != 1 || p.removed() || pool.removed() {
		t.Error("something has been done all the same")
	}
	noError(t, p.guarded(p.unlinkAll))
	noError(t, pool.Discard())
}

// What cannot be opened is not known to be damaged, and stays; what is no file of an
// object's kind goes.
func TestRemoveUnopenable(t *testing.T) {
	d := testDir(t)
	noError(t, withBarrier(d, func(*Barrier) error { return nil }))
	noError(t, os.Symlink("barrier", d.file("link")))
	enough := withoutDescriptors(t)
	err := d.Remove("barrier")
	enough()
	if !errors.Is(err, unix.EMFILE) {
		t.Error(err)
	}
	if os.Getuid() != 0 { // who may open anything
		noError(t, os.Chmod(d.file("barrier"), 0))
		if err := d.Remove("barrier"); !errors.Is(err, unix.EACCES) {
			t.Error(err)
		}
	}
	noError(t, d.Remove("link"))
	wantFiles(t, d, "barrier")
}

// withoutDescriptors takes all descriptors until it is called off.
func withoutDescriptors(t *testing.T) (enough func()) {
	t.Helper()
	var limit unix.Rlimit
	noError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	free, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	noError(t, err)
	noError(t, unix.Close(free))
	// What is below that is taken, and nothing above may be.
	noError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free), Max: limit.Max}))
	return func() { noError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }
}

// What /proc says of a lock is read to the byte, and to the file.
func TestCovers(t *testing.T) {
	at := strconv.FormatInt(guardByte, 10)
	for line, want := range map[string]bool{
		"lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:77 " + at + " " + at:            true,
		"lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:77 0 EOF":                       true,
		"lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:77 1099511627770 1099511627779": true,
		"lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:177 " + at + " " + at:           false,
		"lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:77 1099511627777 1099511627777": false,
		"lock: 1:": false, "lock:": false,
	} {
		if got := covers(strings.Fields(line), 77, guardByte); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
