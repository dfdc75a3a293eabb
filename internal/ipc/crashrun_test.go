package ipc

import (
	"fmt"
	"strings"
	"testing"

	"mpx/internal/shm"
)

// A crashRun is a run of a queue whose disk is written down.
type crashRun struct {
	t     testing.TB
	d     *shm.Dir
	place *shm.Dir
	q     *Queue
	disk  *crashDisk
	first *crashState
	items int
}

// smallFiles has the files of a queue's log be so small that a test has many of them.
func smallFiles(t testing.TB) {
	s, a := segmentSize, ackFileSize
	segmentSize, ackFileSize = 3000, 20*ackSize
	t.Cleanup(func() { segmentSize, ackFileSize = s, a })
}

func crashText(n int) string {
	size := []int{0, 10, 600, 1500, 30, 300}[n%6]
	if n%11 == 10 {
		size = maxShort + 100
	}
	return fmt.Sprintf("%d ", n) + strings.Repeat(string(rune('a'+n%26)), size)
}

func newCrashRun(t testing.TB) *crashRun {
	r := &crashRun{t: t, d: testDir(t), place: testDir(t), disk: &crashDisk{synced: map[uint64]bool{}}}
	q, err := MakeQueue(r.d, "q", 0, r.place.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	r.q, r.first = q, crashStateOf(t, q.logs.dir)
	onDisk = r.disk
	t.Cleanup(func() { onDisk = realDisk{} })
	return r
}

func (r *crashRun) remark(f func(*crashWant)) { r.disk.add(diskOp{kind: "remark", remark: f}) }

// put puts n items. through: the put waits until they are on the disk.
func (r *crashRun) put(n int, through bool) {
	var items []Item
	first := r.items
	for range n {
		i, err := r.q.ItemOf([]byte(crashText(r.items)))
		if err != nil {
			r.t.Fatal(err)
		}
		items = append(items, i)
		r.items++
	}
	each := func(f func(*crashWant, int)) {
		r.remark(func(w *crashWant) {
			for i := range n {
				f(w, first+i)
			}
		})
	}
	each(func(w *crashWant, i int) { w.may[i] = true })
	var err error
	if through {
		_, err = r.q.Put(items, shm.Wait{})
	} else {
		_, _, err = r.q.put(items, shm.Wait{})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range items {
		items[i].Close()
	}
	if through { // and so is all that was put before
		r.remark(func(w *crashWant) {
			for i := range w.may {
				if i < first+n {
					w.put[i] = true
				}
				if i < first+n && !w.ending[i] {
					w.must[i] = true
				}
			}
		})
	}
}

// get leases an item, and returns the number that it was put as.
func (r *crashRun) get() (*Lease, int) {
	l, text := get(r.t.(interface{ Fatal(...any) }), r.q)
	n := 0
	if _, err := fmt.Sscan(text, &n); err != nil {
		r.t.Fatal(err)
	}
	return l, n
}

// end ends a lease by f: take says whether the item is out then.
func (r *crashRun) end(n int, take bool, f func() error) {
	r.remark(func(w *crashWant) {
		delete(w.must, n)
		w.ending[n] = true
		if take {
			w.outMax++
		}
	})
	if err := f(); err != nil {
		r.t.Fatal(err)
	}
	r.remark(func(w *crashWant) {
		delete(w.may, n)
		if take {
			w.outMin++
		}
	})
}

// drop takes an item, and is killed before it waits until that is on the disk.
func (r *crashRun) drop() {
	l, n := r.get()
	r.remark(func(w *crashWant) { delete(w.must, n); w.ending[n] = true; w.outMax++ })
	if err := r.q.t.Change(shm.Wait{}, func(c *shm.Change) error {
		err := r.q.ack(c, ackTook, l.Row[1], 0)
		c.Words[wordLeased]--
		l.finished(c, 0)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
}

// The run: puts of all sizes over borders of segments, items that are leased for long while
// others pass, takes that are not written through, long items, more acks than a file has,
// and what is not about items.
func (r *crashRun) run() {
	r.put(3, true)
	kept, keptN := r.get()
	l, n := r.get()
	r.end(n, false, l.Done)
	r.put(1, false)
	r.put(9, true) // one of them is long
	for range 4 {
		l, n := r.get()
		r.end(n, true, l.Take)
	}
	r.put(2, false)
	r.drop()
	r.remark(func(w *crashWant) { w.outMin-- })
	if err := r.q.TaskDone(); err != nil {
		r.t.Fatal(err)
	}
	r.remark(func(w *crashWant) { w.outMax-- })
	l, _ = r.get()
	if err := l.Return(); err != nil {
		r.t.Fatal(err)
	}
	for range 7 {
		l, n := r.get()
		r.end(n, false, l.Done)
	}
	r.put(6, true)
	r.put(1, true) // a long one
	r.put(5, true)
	for range 5 {
		r.drop()
	}
	r.put(1, false)
	r.end(keptN, false, kept.Done)
	for range 5 {
		l, n := r.get()
		r.end(n, false, l.Done)
	}
	r.put(2, true)
	r.remark(func(w *crashWant) { w.mayBeClose = true })
	if err := r.q.SetClosed(); err != nil {
		r.t.Fatal(err)
	}
	r.remark(func(w *crashWant) { w.closed = true })
	l, n = r.get()
	r.end(n, true, l.Take)
}
