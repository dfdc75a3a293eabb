package shm

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Table is the state of an object that changes as a whole: words, and rows of
// words. Whoever is killed in the middle of a change leaves one that the next to
// come finishes, or that never was. What words and rows mean is its user's.
//
//	  64  1: the journal holds a change that is decided, and perhaps half done (u64)
//	  72  the row that it sets, from 1; 0: none (u64)
//	  80  the row's new words
//	 144  the words' new values
//	 400  the words
//	 656  bells (u32 each)
//	 704  length of the text (u64), and the text, which never changes
//	8192  rows
//
// A change is written to the journal, decided by one store, done, and taken out of
// the journal.
type Table struct {
	*Object
	rows int
}

// Sizes of a table.
const (
	TableWords = 32
	RowWords   = 8
	TableBells = 4
	// MaxText is how long a table's text may be, in bytes.
	MaxText = partyOffset - tableText - 8

	tableDecided = ownOffset
	tableRow     = ownOffset + 8
	tableNewRow  = ownOffset + 16
	tableNew     = tableNewRow + 8*RowWords
	tableNow     = tableNew + 8*TableWords
	tableBells   = tableNow + 8*TableWords
	tableText    = tableBells + 48
)

// A Row is a row's words. One whose first is RowHeld is a process's, which its last
// three say: the pid, when it started, and since when it has the row (ns since 1970).
type Row [RowWords]uint64

// RowHeld is the first word of a row that a process holds.
const RowHeld = 1

// Hold makes r this process's.
func (r *Row) Hold() {
	id, _ := me() // who has a table knows it
	r[0], r[5], r[6], r[7] = RowHeld, uint64(id.pid)|uint64(reaper)<<32, id.start, uint64(time.Now().UnixNano())
}

// reaper is the process of ReapedBy; 0: there is none.
var reaper int

// ReapedBy says that what this process holds from now on is free when its parent, the
// process pid, has reaped it, if it dies before that: there may be something to be put
// in order first. Others are dead as soon as they have ended, whoever has to reap them.
func ReapedBy(pid int) { reaper = pid }

// Lives reports whether the process that holds r is still there. An *UnknownError: that
// cannot be told.
func (r *Row) Lives() (bool, error) {
	id := identity{int(uint32(r[5])), r[6]}
	if lives, err := id.lives(); lives || err != nil {
		return lives, err
	}
	return id.awaits(int(r[5] >> 32))
}

// holder is the process that holds r, for people: who is to reap that if anybody is, as
// that is the one that was started by them.
func (r *Row) holder() int { return int(cmp.Or(r[5]>>32, r[5])) }

// MakeTable makes the object name, a table of so many rows, all of them zero, with
// these first words. One that is to last is as good after the machine has started
// again, where its file is.
func (d *Dir) MakeTable(name string, kind Kind, rows int, words [TableWords]uint64, text string, lasts bool) (*Table, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a text of %d bytes is too long", len(text))
	}
	o, err := d.make(name, kind, rows*8*RowWords, rows*8*RowWords, lasts, func(o *Object) {
		for i, w := range words {
			o.uint64At(tableNow + 8*i).Store(w)
		}
		o.uint64At(tableText).Store(uint64(len(text)))
		copy(o.b[tableText+8:], text)
	})
	if err != nil {
		return nil, err
	}
	return &Table{o, rows}, nil
}

// OpenTable opens the table name. One that has outlasted the machine, or the
// namespaces, is changed by again, as long as that says, before anybody else uses it: no
// process of its rows lives. ErrElsewhere: some may.
func (d *Dir) OpenTable(name string, kind Kind, again func(*Change) (more bool)) (*Table, error) {
	o, err := d.Open(name, kind)
	if err != nil {
		return nil, err
	}
	t := &Table{o, tableRows(o)}
	if !o.lasts {
		return t, nil
	}
	used := false
	defer func() {
		if !used {
			t.Close()
		}
	}()
	if err = t.use(again); errors.Is(err, ErrRemoved) {
		err = ErrNotExist
	}
	if used = err == nil; used {
		return t, nil
	}
	return nil, err
}

func tableRows(o *Object) int { return (len(o.b) - dataOffset) / (8 * RowWords) }

// use has others see that t is in use, for as long as it is open, and makes it one of
// this run of the machine and these namespaces, if it is of others that are over.
func (t *Table) use(again func(*Change) (more bool)) error {
	p, err := here()
	if err != nil {
		return err
	}
	return t.guarded(func() error {
		if placeIn(t.b) != p {
			err := t.lockByte(useByte, unix.F_WRLCK, false)
			if errors.Is(err, unix.EAGAIN) {
				return ErrElsewhere
			}
			if err == nil {
				err = t.revive(p, again)
			}
			if err != nil {
				return err
			}
		}
		return t.lockByte(useByte, unix.F_RDLCK, true)
	})
}

// revive makes a table of here of one of elsewhere. The guard must be held.
func (t *Table) revive(p place, again func(*Change) (more bool)) error {
	for i := range parties {
		t.leave(i)
	}
	t.replay()
	for more := true; more; {
		if err := t.change(func(c *Change) error { more = again(c); return nil }); err != nil {
			return err
		}
	}
	beforeStore() // until the last store it is of another place
	le.PutUint64(t.b[40:], p.pid)
	beforeStore()
	le.PutUint64(t.b[56:], p.time)
	beforeStore()
	copy(t.b[24:40], p.boot[:])
	return nil
}

// Text returns the table's text.
func (t *Table) Text() (text string, err error) {
	err = t.touching(func() error {
		n := t.uint64At(tableText).Load()
		if n > MaxText {
			return ErrDamaged
		}
		text = string(t.b[tableText+8:][:n])
		return nil
	})
	return text, err
}

// Far opens the directory that the text names, of a table that is only a sign to
// another of its name there; nil: it is none. ErrNotExist: there is no such directory.
func (t *Table) Far() (*Dir, error) {
	path, err := t.Text()
	if err != nil || path == "" {
		return nil, err
	}
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotExist // not to be made
	}
	d, err := OpenDir(path)
	if err == nil {
		d.within = t.dir.within
	}
	return d, err
}

// removeFar removes the table that this one is a sign to.
func (t *Table) removeFar() error {
	d, err := t.Far()
	if err == nil && d != nil {
		err = d.Remove(t.Name)
	}
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

// Word returns word i as it is, or just was: outside of a change it is a hint.
func (t *Table) Word(i int) uint64 { return t.now(i).Load() }

func (t *Table) now(i int) *atomic.Uint64 { return t.uint64At(tableNow + 8*i) }

func (t *Table) rowAt(i int) int {
	if i < 0 || i >= t.rows {
		panic("bug: no such row")
	}
	return dataOffset + 8*RowWords*i
}

func (t *Table) bell(i int) *atomic.Uint32 { return t.uint32At(tableBells + 4*i) }

// Ring wakes up to n of those who wait at bell i.
func (t *Table) Ring(i, n int) error {
	return t.touching(func() error {
		t.bell(i).Add(1)
		wake(t.bell(i), n)
		return nil
	})
}

// Await waits until done says so, which is asked again whenever bell i rings, and
// now and then. ErrTimeout: w was over first. ErrRemoved: so was t.
func (t *Table) Await(i int, w Wait, done func() bool) error {
	return t.awaitListed(t.bell(i), w, done)
}

// holders adds the processes that hold a row.
func (t *Table) holders(add func(p Party, lives bool, err error)) {
	for i := range t.rows {
		at := t.rowAt(i)
		if t.uint64At(at).Load() != RowHeld {
			continue
		}
		r := (&Change{t: t, at: -1}).Row(i)
		lives, err := r.Lives()
		add(Party{Holds, r.holder(), time.Unix(0, int64(r[7]))}, lives, err)
	}
}
