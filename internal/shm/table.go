package shm

import (
	"cmp"
	"errors"
	"os"
	"sync/atomic"
	"time"
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
//	 672  marks, which are no part of a change (u64 each)
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
	TableMarks = 4
	// MaxText is how long a table's text may be, in bytes.
	MaxText = partyOffset - tableText - 8

	tableDecided = ownOffset
	tableRow     = ownOffset + 8
	tableNewRow  = ownOffset + 16
	tableNew     = tableNewRow + 8*RowWords
	tableNow     = tableNew + 8*TableWords
	tableBells   = tableNow + 8*TableWords
	tableMarks   = tableBells + 4*TableBells
	tableText    = tableMarks + 8*TableMarks
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

func tableRows(o *Object) int { return (len(o.b) - dataOffset) / (8 * RowWords) }

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

// Lasts reports whether t is as good after the machine has started again.
func (t *Table) Lasts() bool { return t.lasts }

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
