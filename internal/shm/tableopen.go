package shm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MakeTable makes the object name, a table of so many rows, all of them zero, with
// these first words and this text.
func (d *Dir) MakeTable(name string, kind Kind, rows int, words [TableWords]uint64, text string) (*Table, error) {
	return d.makeTable(name, kind, rows, words, text, nil)
}

// MakeLastingTable is MakeTable of a table that is as good after the machine has started
// again, where its file is. When it returns the table has been written through to the
// disk, with its name, and with what prepare has made of its Side, which is there by then;
// nobody sees the table before.
func (d *Dir) MakeLastingTable(name string, kind Kind, rows int, words [TableWords]uint64, prepare func(*Table) error) (*Table, error) {
	t, err := d.makeTable(name, kind, rows, words, "", prepare)
	if err != nil {
		return nil, err
	}
	if err := d.sync(); err != nil {
		return nil, errors.Join(err, t.unlink(), t.Close())
	}
	return t, nil
}

func (d *Dir) makeTable(name string, kind Kind, rows int, words [TableWords]uint64, text string, prepare func(*Table) error) (*Table, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a text of %d bytes is too long", len(text))
	}
	lasts := prepare != nil
	var failed error
	var side string
	o, err := d.make(name, kind, rows*8*RowWords, rows*8*RowWords, lasts, func(o *Object) {
		for i, w := range words {
			o.uint64At(tableNow + 8*i).Store(w)
		}
		o.uint64At(tableText).Store(uint64(len(text)))
		copy(o.b[tableText+8:], text)
		if lasts {
			side = o.Side()
			failed = o.prepared(func() error { return prepare(&Table{o, rows}) })
		}
	})
	if err != nil {
		if side != "" {
			err = errors.Join(err, os.RemoveAll(side))
		}
		return nil, err
	}
	if failed != nil {
		return nil, errors.Join(failed, o.unlink(), o.Close())
	}
	return &Table{o, rows}, nil
}

// prepared makes the side of an object that lasts, has do fill it, and writes all through
// but the object's name, which it has not got yet.
func (o *Object) prepared(do func() error) error {
	err := o.lockByte(useByte, unix.F_RDLCK, true)
	if err == nil {
		err = os.Mkdir(o.Side(), 0o700)
	}
	if err == nil {
		err = do()
	}
	if err == nil {
		err = o.f.Sync()
	}
	if err == nil {
		err = o.dir.sync()
	}
	return err
}

// sync writes the names of d through to the disk.
func (d *Dir) sync() error {
	f, err := os.Open(d.path)
	if err == nil {
		err = f.Sync()
		f.Close()
	}
	if err != nil {
		return fmt.Errorf("write its directory through: %w", err)
	}
	return nil
}

// A Revival is that of a table that has outlasted the machine, or the namespaces: no
// process of its rows lives, and nobody else uses it.
type Revival struct {
	// Table is the table. Its own methods must not be called, but for Word and Side.
	Table *Table
	// Rebooted: the machine has started again since, perhaps after its power had gone.
	// Then all but the header may be anything.
	Rebooted bool
}

// Change is Table.Change.
func (r *Revival) Change(f func(*Change) error) error { return r.Table.change(f) }

// Row returns row i as it is.
func (r *Revival) Row(i int) Row { return (&Change{t: r.Table, at: -1}).Row(i) }

// Rows returns how many rows there are.
func (r *Revival) Rows() int { return r.Table.rows }

// Reset makes the table's state anew: these words, rows, and marks; the other rows are
// zero. Should it be killed, all is to be done again.
func (r *Revival) Reset(words [TableWords]uint64, rows []Row, marks [TableMarks]uint64) {
	t := r.Table
	t.store(tableDecided, 0)
	for i := range t.rows {
		var row Row
		if i < len(rows) {
			row = rows[i]
		}
		for k, w := range row {
			t.store(t.rowAt(i)+8*k, w)
		}
	}
	for i, w := range words {
		t.store(tableNow+8*i, w)
	}
	for i, m := range marks {
		t.store(tableMarks+8*i, m)
	}
}

// OpenTable opens the table name. One that has outlasted the machine, or the
// namespaces, is revived by again before anybody else uses it. ErrElsewhere: somebody may.
func (d *Dir) OpenTable(name string, kind Kind, again func(*Revival) error) (*Table, error) {
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

// use has others see that t is in use, for as long as it is open, and makes it one of
// this run of the machine and these namespaces, if it is of others that are over.
func (t *Table) use(again func(*Revival) error) error {
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
func (t *Table) revive(p place, again func(*Revival) error) error {
	for i := range parties {
		t.leave(i)
	}
	t.replay()
	if err := again(&Revival{Table: t, Rebooted: placeIn(t.b).boot != p.boot}); err != nil {
		return err
	}
	beforeStore() // until the last store it is of another place
	le.PutUint64(t.b[40:], p.pid)
	beforeStore()
	le.PutUint64(t.b[56:], p.time)
	beforeStore()
	copy(t.b[24:40], p.boot[:])
	return nil
}
