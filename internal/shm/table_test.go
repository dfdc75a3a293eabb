package shm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

const testRows = 3

// A tableModel is what a table is to be.
type tableModel struct {
	words [TableWords]uint64
	rows  [testRows]Row
}

// read returns the table as it is.
func (m *tableModel) read(c *Change) {
	m.words = c.Words
	for i := range m.rows {
		m.rows[i] = c.Row(i)
	}
}

// theKill is what a test's kill panics with.
type theKill struct{}

// killAfter calls f, and ends it as a kill would before its nth store. What the kernel
// would do then, to give the guard back, the deferred calls do.
func killAfter(n int, f func() error) (dead bool, err error) {
	defer func() { beforeStore = func() {} }()
	beforeStore = func() {
		if n--; n < 0 {
			panic(theKill{})
		}
	}
	defer func() {
		if r := recover(); r != nil {
			if _, dead = r.(theKill); !dead {
				panic(r)
			}
		}
	}()
	return false, f()
}

// stores is more than a change makes: 32 words and a row, twice, and three more.
const stores = 2*(TableWords+RowWords) + 10

// aChange draws a change and returns what makes it, and what m becomes by it: whole is
// that, none what it is if it never was, but for its notes.
func aChange(t *rapid.T, m tableModel) (f func(*Change) error, none, whole tableModel, want error) {
	none, whole = m, m
	noted := rapid.SampledFrom([]int{-1, -1, 3, TableWords - 1}).Draw(t, "noted")
	words := rapid.MapOfN(rapid.IntRange(0, TableWords-1), rapid.Uint64(), 0, 5).Draw(t, "words")
	row := rapid.IntRange(-1, testRows-1).Draw(t, "row")
	value := rapid.Uint64().Draw(t, "value")
	if rapid.IntRange(0, 4).Draw(t, "refused") == 0 {
		want = errors.New("refused")
	}
	if noted >= 0 {
		none.words[noted] = value
	}
	for i, w := range words {
		whole.words[i] = w
	}
	if row >= 0 {
		whole.rows[row] = Row{0: value, RowWords - 1: ^value}
	}
	return func(c *Change) error {
		if noted >= 0 {
			c.Note(noted, value)
		}
		for i, w := range words {
			c.Words[i] = w
		}
		if row >= 0 {
			c.Set(row, whole.rows[row])
			if c.Row(row) != whole.rows[row] {
				return errors.New("the change does not see what it sets")
			}
		}
		return want
	}, none, whole, want
}

// A change that is killed, between any two stores, and a table that is opened anew at
// any time: each change is whole, or never was. It is finished by the next one, which
// may be killed at that, too. It is no queue's, whose text is a path.
func TestTableModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		m := tableModel{words: [TableWords]uint64{1, 31: 2}}
		text := rapid.StringN(0, 20, MaxText).Draw(t, "text")
		table, err := d.MakeTable("t", KindPipe, testRows, m.words, text)
		noError(t, err)
		defer d.Remove("t")              //nolint:errcheck // the next round would notice
		defer func() { table.Close() }() // the one that it is then
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				f, none, whole, want := aChange(t, m)
				dead, err := killAfter(rapid.IntRange(0, stores).Draw(t, "stores"), func() error { return table.Change(Wait{}, f) })
				if !dead && !errors.Is(err, want) {
					t.Fatal(err)
				}
				m = settled(t, table, dead, m, none, whole, want)
			},
			"open": func(t *rapid.T) {
				noError(t, table.Close())
				table, err = d.OpenTable("t", KindPipe, nil)
				noError(t, err)
			},
			"": func(t *rapid.T) {
				var now tableModel
				noError(t, table.Change(Wait{}, func(c *Change) error { now.read(c); return nil }))
				if now != m {
					t.Fatalf("%v, want %v", now, m)
				}
				if got, err := table.Text(); got != text || err != nil {
					t.Fatal(got, err)
				}
			},
		})
	})
}

// settled looks at the table after a change, by others that are killed, until one is
// not, and returns what it has become.
func settled(t *rapid.T, table *Table, dead bool, before, none, whole tableModel, want error) tableModel {
	var now tableModel
	for again := true; again; {
		var err error
		again, err = killAfter(rapid.IntRange(0, 2*stores).Draw(t, "stores"), func() error {
			return table.Change(Wait{}, func(c *Change) error { now.read(c); return nil })
		})
		noError(t, err)
	}
	mayBe := []tableModel{whole}
	switch {
	case dead && want != nil:
		mayBe = []tableModel{before, none}
	case dead:
		mayBe = []tableModel{before, none, whole}
	case want != nil:
		mayBe = []tableModel{none}
	}
	if !slices.Contains(mayBe, now) {
		t.Fatalf("%v, want one of %v", now, mayBe)
	}
	return now
}

// nothing is beside a table.
func nothing(*Table) error { return nil }

// otherBoot has the table t of d be from before the machine started.
func otherBoot(t interface{ Fatal(...any) }, d *Dir, name string) {
	f, err := os.OpenFile(d.file(name), os.O_RDWR, 0)
	noError(t, err)
	defer f.Close()
	_, err = f.WriteAt(make([]byte, 24), 24)
	noError(t, err)
}

// A table that lasts is of another boot. Who opens it first changes it, and whoever
// is killed at that, it is as new for the next, once.
func TestTableRevive(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		table, err := d.MakeLastingTable("t", KindQueue, testRows, [TableWords]uint64{5: 1}, nothing)
		noError(t, err)
		defer d.Remove("t") //nolint:errcheck // the next round would notice
		held := rapid.IntRange(0, testRows).Draw(t, "held")
		for i := range held {
			noError(t, table.Change(Wait{}, func(c *Change) error {
				var r Row
				r.Hold()
				c.Set(i, r)
				return nil
			}))
		}
		noError(t, table.Close())
		otherBoot(t, d, "t")
		// Each change takes a row back, and counts it.
		takeBack := func(c *Change) bool {
			for i := range c.Rows() {
				if r := c.Row(i); r[0] == RowHeld {
					r[0] = 2
					c.Set(i, r)
					c.Words[5]++
					return true
				}
			}
			return false
		}
		again := func(r *Revival) error {
			for more := true; more; {
				if err := r.Change(func(c *Change) error { more = takeBack(c); return nil }); err != nil {
					return err
				}
			}
			return nil
		}
		for dead := true; dead; {
			dead, err = killAfter(rapid.IntRange(0, 6*stores).Draw(t, "stores"), func() error {
				o, err := d.OpenTable("t", KindQueue, again)
				if err == nil {
					table = o
				}
				return err
			})
			noError(t, err)
		}
		defer table.Close()
		if list, err := table.Parties(); err != nil || len(list) > 0 || table.Word(5) != uint64(1+held) {
			t.Fatal(list, err, table.Word(5), held)
		}
		once, err := d.OpenTable("t", KindQueue, func(*Revival) error { panic("it is of this boot by now") })
		noError(t, err)
		noError(t, once.Close())
	})
}

// A table that lasts is of another PID namespace. As long as somebody uses it whom nobody
// here can see, it is refused; then it is as after a boot.
func TestTableElsewhere(t *testing.T) {
	d := testDir(t)
	far, err := d.MakeLastingTable("t", KindQueue, 1, [TableWords]uint64{}, nothing)
	noError(t, err)
	user, err := d.OpenTable("t", KindQueue, nil)
	noError(t, err)
	noError(t, far.Close())
	le.PutUint64(user.b[40:], le.Uint64(user.b[40:])+1)
	if _, err := d.OpenTable("t", KindQueue, nil); !errors.Is(err, ErrElsewhere) {
		t.Error(err)
	}
	noError(t, user.Close())
	revived := 0
	for range 2 {
		here, err := d.OpenTable("t", KindQueue, func(*Revival) error { revived++; return nil })
		noError(t, err)
		defer here.Close()
	}
	if revived != 1 {
		t.Errorf("revived %d times", revived)
	}
}

// One that does not last counts as missing then, and goes, with nothing else.
func TestTableStale(t *testing.T) {
	d := testDir(t)
	far, err := OpenDir(filepath.Join(t.TempDir(), "far"))
	noError(t, err)
	last, err := far.MakeLastingTable("t", KindQueue, 1, [TableWords]uint64{}, nothing)
	noError(t, err)
	defer last.Close()
	sign, err := d.MakeTable("t", KindQueue, 0, [TableWords]uint64{}, far.Path())
	noError(t, err)
	noError(t, sign.Close())
	otherBoot(t, d, "t")
	if _, err := d.OpenTable("t", KindQueue, nil); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	if names, err := d.Names(); err != nil || len(names) > 0 {
		t.Error(names, err)
	}
	if last.removed() {
		t.Error("what it was a sign to has been removed")
	}
}

// A bell wakes who waits, and only he who waits at it.
func TestTableBells(t *testing.T) {
	d := testDir(t)
	table, err := d.MakeTable("t", KindQueue, 1, [TableWords]uint64{}, "")
	noError(t, err)
	defer table.Close()
	asked, woken := make(chan bool), make(chan error)
	for bell := range TableBells {
		go func() {
			first := true
			woken <- table.Await(bell, WaitFor(time.Minute), func() bool {
				if first {
					first = false
					asked <- true
					return false
				}
				return table.Word(bell) != 0
			})
		}()
		<-asked
		noError(t, table.Change(Wait{}, func(c *Change) error { c.Words[bell] = 1; return nil }))
		noError(t, table.Ring(bell, 1))
		noError(t, <-woken)
	}
	if err := table.Await(0, WaitFor(0), func() bool { return false }); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	noError(t, table.Remove())
	if err := table.Await(0, Wait{}, func() bool { return false }); !errors.Is(err, ErrRemoved) {
		t.Error(err)
	}
	if err := table.Change(Wait{}, func(*Change) error { return nil }); !errors.Is(err, ErrRemoved) {
		t.Error(err)
	}
}

// Remove takes the directory beside a table away, Tidy those of its forerunners and of
// objects that are no more, and nobody else's: whatever the directory of objects is called.
func TestTableSide(t *testing.T) {
	d, err := OpenDir(filepath.Join(t.TempDir(), "a[b"))
	noError(t, err)
	table, err := d.MakeTable("t", KindQueue, 1, [TableWords]uint64{}, "")
	noError(t, err)
	defer table.Close()
	other, err := d.MakeTable("u", KindQueue, 1, [TableWords]uint64{}, "")
	noError(t, err)
	defer other.Close()
	aboutToBe := fmt.Sprintf(".v.%d", time.Now().UnixNano())
	others := []string{".t.x", ".t.+5", ".t", "t.6", ".u.x", aboutToBe, filepath.Base(other.Side())}
	gone := []string{".t.1", ".t.23", ".t.5.7", ".tt.5", ".u.1"}
	for _, name := range slices.Concat(gone, others, []string{filepath.Base(table.Side())}) {
		noError(t, os.MkdirAll(d.file(name+"/log"), 0o700))
	}
	noError(t, table.Tidy())
	if _, err := os.Stat(table.Side()); err != nil {
		t.Error(err)
	}
	noError(t, d.Remove("t"))
	files, err := os.ReadDir(d.Path())
	noError(t, err)
	var left []string
	for _, f := range files {
		left = append(left, f.Name())
	}
	others = append(others, "u")
	slices.Sort(others)
	if !slices.Equal(left, others) {
		t.Errorf("left %q, want %q", left, others)
	}
	if err := table.Tidy(); !errors.Is(err, ErrRemoved) {
		t.Error(err)
	}
}

// What a process has that its parent is to reap is free when that has done so; that of
// others as soon as they have ended, even if nobody reaps them.
func TestRowReaped(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	noError(t, err)
	noError(t, cmd.Start())
	id, err := identityOf(cmd.Process.Pid)
	noError(t, err)
	row := func(reaper int) *Row { return &Row{RowHeld, 5: uint64(id.pid) | uint64(reaper)<<32, 6: id.start} }
	want := func(when string, plain, parents, others bool) {
		t.Helper()
		for reaper, want := range map[int]bool{0: plain, os.Getpid(): parents, 1: others} {
			if lives, err := row(reaper).Lives(); lives != want || err != nil {
				t.Errorf("%s, to be reaped by %d: %v, %v; want %v", when, reaper, lives, err, want)
			}
		}
	}
	want("alive", true, true, true)
	in.Close()
	noError(t, unix.Waitid(unix.P_PID, id.pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	want("dead", false, true, false)
	noError(t, cmd.Wait())
	want("reaped", false, false, false)
}
