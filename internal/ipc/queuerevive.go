package ipc

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"mpx/internal/shm"
)

// revive makes a queue that has outlasted the machine, or the PID namespace, one of here,
// and returns what of it is damaged. Whoever had an item is dead.
func revive(r *shm.Revival) ([]*Damage, error) {
	if r.Rebooted {
		v := &revival{Revival: r, logs: logsOf(r.Table)}
		defer v.logs.close()
		err := v.rebuild()
		return v.damage, err
	}
	for more := true; more; {
		if err := r.Change(func(c *shm.Change) error {
			more = reclaim(c, func(*shm.Row) bool { return true })
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// A revival makes the table of a queue anew from what is on the disk: its acks say what
// has been had, its log what there is. Where the power has gone the table itself may be of
// any moment. Should a revival be killed, the next does it all again.
type revival struct {
	*shm.Revival
	logs   logs
	had    had
	damage []*Damage

	back       map[uint64]shm.Row // those that had been given out, if they are to be seen in the table
	rows       []shm.Row
	long       map[uint64]bool // long items that may still be had
	head, tail uint64
	next       uint64 // the number of the next item that is put
	last       uint64 // the highest number that was seen
	found      bool   // the head
}

func (v *revival) rebuild() error {
	files, err := v.readAcks()
	if err != nil {
		return err
	}
	v.readRows()
	if err := v.readLog(); err != nil {
		return err
	}
	v.missing()
	v.limit()
	v.removeLong()
	to, err := v.logs.beginAcks(files, &v.had)
	if err == nil {
		err = onDisk.sync(v.logs.acks.f)
	}
	if err == nil {
		err = onDisk.syncDir(v.logs.dir)
	}
	if err != nil {
		return fmt.Errorf("write down what was had: %w", err)
	}
	v.reset(to)
	for n := range files {
		_ = onDisk.remove(v.logs.ackPath(n)) // one that stays is removed the next time
	}
	return nil
}

// readAcks reads the last acks that are whole at their beginning, and returns the number
// of the next file of acks.
func (v *revival) readAcks() (next uint64, err error) {
	if err := v.logs.makeDir(); err != nil {
		return 0, err
	}
	all, err := v.logs.list("acks")
	if err != nil {
		return 0, err
	}
	if len(all) > 0 {
		next = all[len(all)-1] + 1
	}
	for _, n := range slices.Backward(all) {
		b, err := os.ReadFile(v.logs.ackPath(n))
		if err != nil {
			return 0, fmt.Errorf("read what was had: %w", err)
		}
		ok, whole := v.had.read(&v.logs, b, n<<32)
		if ok && !whole {
			v.damage = append(v.damage, &Damage{Acks: true})
		}
		if ok {
			return next, nil
		}
	}
	// There are none: what the table says of them may be right.
	v.damage = append(v.damage, &Damage{Acks: true})
	v.had = had{most: v.Table.Word(wordMax), closed: v.Table.Word(wordClosed) & 1, open: map[uint64]bool{}}
	if v.had.most > 1<<62 {
		v.had.most = 0
	}
	return next, nil
}

// readRows takes from the table how often items have been given out: what the rows say
// that fits what is in the log. Those that were given out count as taken, and as open.
func (v *revival) readRows() {
	v.back = map[uint64]shm.Row{}
	most := v.had.taken
	for i := range v.Rows() {
		r := v.Row(i)
		if r[0] != shm.RowHeld && r[0] != rowReturned || r[1] < v.had.taken && !v.had.open[r[1]] {
			continue
		}
		rec, _, err := v.logs.read(r[2], r[1])
		if err != nil || rec.length != r[4] {
			continue
		}
		if r[0] == shm.RowHeld {
			r[5] = 1 // who had it is dead
		}
		r[0], r[6], r[7] = rowReturned, 0, 0
		v.back[r[1]] = r
		most = max(most, r[1]+1)
	}
	if int(most-v.had.taken)+len(v.had.open) <= maxLeases {
		v.had.pass(most)
	}
}

// readLog reads all records that there are.
func (v *revival) readLog() error {
	all, err := v.logs.list("log")
	if err != nil {
		return err
	}
	v.long = map[uint64]bool{}
	v.next = v.had.taken
	last := uint64(0) // place behind the last record
	for i, n := range all {
		b, err := v.logs.content(n)
		if err != nil {
			return err
		}
		if i == 0 {
			last = n << 32
		}
		for at := uint64(0); at < uint64(len(b)); {
			r, size := v.logs.parseRecord(b[at:], n<<32+at)
			if size == 0 {
				var skip int
				if skip, r = v.logs.nextRecord(b[at:], n<<32+at, 0, 1<<63); skip < 0 {
					break
				}
				at += uint64(skip)
				size = recordSize(b[at:])
			}
			v.see(&r, n<<32+at, last)
			at += uint64(size)
			last = n<<32 + at
		}
		v.tail = (n + 1) << 32 // what is put now stands behind all that may be torn
	}
	if !v.found {
		v.head = v.tail
	}
	return nil
}

// see has a record that stands at place be in the queue, if it has not been had. The one
// before it ends at last.
func (v *revival) see(r *record, place, last uint64) {
	switch {
	case v.had.open[r.number]:
		row, ok := v.back[r.number]
		if !ok {
			row = shm.Row{0: rowReturned}
		}
		row[1], row[2], row[4] = r.number, place, r.length
		v.rows = append(v.rows, row)
		delete(v.had.open, r.number)
	case r.number < v.next: // it has been had, or stands there twice
		v.last = max(v.last, r.number)
		return
	case !v.found:
		v.found, v.head = true, place
		if r.number > v.had.taken {
			v.head = last // those before it are found to be damaged there
		}
	}
	v.next, v.last = max(v.next, r.number+1), max(v.last, r.number)
	if r.length&longItem != 0 {
		v.long[r.number] = true
	}
}

// missing tells of items that have not been had, and are not there. That the last ones are
// not is no damage: who put them was not told that they were on the disk.
func (v *revival) missing() {
	for _, n := range slices.Sorted(maps.Keys(v.had.open)) {
		if n < v.last {
			v.damage = append(v.damage, &Damage{First: n, Items: 1})
		}
	}
}

// limit has no more items be back than there are rows for. That they are more may be if
// acks are damaged: then the log is had again from one of them on.
func (v *revival) limit() {
	slices.SortFunc(v.rows, func(a, b shm.Row) int { return int(a[1]) - int(b[1]) })
	if len(v.rows) > maxLeases {
		first := v.rows[maxLeases]
		v.had.taken, v.head = first[1], first[2]
		v.rows = v.rows[:maxLeases]
	}
	clear(v.had.open)
	for _, r := range v.rows {
		v.had.open[r[1]] = true
	}
}

// removeLong removes the files of long items that are not in the queue.
func (v *revival) removeLong() {
	all, _ := v.logs.list("item") // an error: they stay
	for _, n := range all {
		if !v.long[n] {
			_ = onDisk.remove(v.logs.longPath(n))
		}
	}
}

// reset makes the table what was found; the next ack is written at acks.
func (v *revival) reset(acks uint64) {
	h := &v.had
	h.out = min(h.out, h.taken-uint64(len(v.rows)))
	words := [shm.TableWords]uint64{
		wordPut: v.next, wordTaken: h.taken, wordReturned: uint64(len(v.rows)),
		wordDone:   h.taken - uint64(len(v.rows)) - h.out,
		wordClosed: h.closed, wordMax: h.most, wordHead: v.head, wordTail: v.tail,
		wordRubbish: 1, // there may be some
		wordAckTail: acks,
	}
	v.Reset(words, v.rows, [shm.TableMarks]uint64{markPut: v.tail, markAcked: acks})
}
