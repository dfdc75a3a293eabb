package shm

import "cmp"

// A Change is one that is being made.
type Change struct {
	// Words are the words; what they are in the end is what the change makes of them.
	Words [TableWords]uint64

	t     *Table
	first [TableWords]uint64
	at    int // the row that it sets; -1: none
	row   Row
	err   error // why it must not be made
}

// Row returns row i.
func (c *Change) Row(i int) (r Row) {
	if i == c.at {
		return c.row
	}
	at := c.t.rowAt(i)
	for k := range r {
		r[k] = c.t.uint64At(at + 8*k).Load()
	}
	return r
}

// Rows returns how many rows there are.
func (c *Change) Rows() int { return c.t.rows }

// Set sets row i. A change sets one.
func (c *Change) Set(i int, r Row) {
	if c.at >= 0 && c.at != i {
		panic("bug: a change sets one row")
	}
	c.at, c.row = i, r
}

// Dead reports whether the process that holds r, a row's, is no more. Where that cannot
// be told, the change is not made, and Change returns an *UnknownError.
func (c *Change) Dead(r *Row) bool {
	lives, err := r.Lives()
	c.err = cmp.Or(c.err, err)
	return err == nil && !lives
}

// Note stores word i at once, whatever becomes of the change.
func (c *Change) Note(i int, v uint64) {
	c.t.store(tableNow+8*i, v)
	c.first[i] = v
}

// Change makes the change that f says, unless f returns an error, which it passes on.
// *BusyError: w was over before others were done with theirs.
func (t *Table) Change(w Wait, f func(*Change) error) error {
	return t.guardedWithin(w, func() error {
		t.replay()
		return t.change(f)
	})
}

func (t *Table) change(f func(*Change) error) error {
	c := Change{t: t, at: -1}
	for i := range c.first {
		c.first[i] = t.now(i).Load()
	}
	c.Words = c.first
	if err := cmp.Or(f(&c), c.err); err != nil {
		return err
	}
	if c.at < 0 && c.Words == c.first {
		return nil
	}
	t.store(tableRow, uint64(c.at+1))
	for i, w := range c.row {
		t.store(tableNewRow+8*i, w)
	}
	for i, w := range c.Words {
		t.store(tableNew+8*i, w)
	}
	t.store(tableDecided, 1)
	t.replay()
	return nil
}

// replay does what is decided. It may have been done in part.
func (t *Table) replay() {
	if t.uint64At(tableDecided).Load() == 0 {
		return
	}
	if row := int(t.uint64At(tableRow).Load()); row > 0 && row <= t.rows {
		at := t.rowAt(row - 1)
		for i := range RowWords {
			t.store(at+8*i, t.uint64At(tableNewRow+8*i).Load())
		}
	}
	for i := range TableWords {
		t.store(tableNow+8*i, t.uint64At(tableNew+8*i).Load())
	}
	t.store(tableDecided, 0)
}

// store stores v in the word at off.
func (t *Table) store(off int, v uint64) {
	beforeStore()
	t.uint64At(off).Store(v)
}

// beforeStore is called before each store of a change: a test can end it there, as a
// kill would.
var beforeStore = func() {}
