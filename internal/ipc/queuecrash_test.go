package ipc

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mpx/internal/shm"
)

// A crashWant is what a queue is to have after a loss of power.
type crashWant struct {
	must, may  map[int]bool // items, by what they were put as
	put        map[int]bool // those that are on the disk for good
	ending     map[int]bool // of those that may be, those that somebody was about to end
	outMin     int          // that were taken, and are not said to be done
	outMax     int
	closed     bool
	mayBeClose bool
}

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

// reopen makes the queue that a loss of power has left, and returns its directory. garbage:
// its table is that but for the header.
func (r *crashRun) reopen(s *crashState, table []byte) *shm.Dir {
	place := testDir(r.t)
	dir := filepath.Join(place.Path(), filepath.Base(r.q.logs.dir))
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	s.write(r.t, dir)
	if err := os.WriteFile(filepath.Join(place.Path(), "q"), table, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return place
}

// anotherBoot has the queue in place be of another run of the machine.
func anotherBoot(t testing.TB, place *shm.Dir) {
	f, err := os.OpenFile(filepath.Join(place.Path(), "q"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 16), 24); err != nil {
		t.Fatal(err)
	}
}

// cutAgain opens the queue that a loss of power has left, and returns what another leaves
// at any step of that.
func (r *crashRun) cutAgain(s *crashState, table []byte, random *rand.Rand) (*crashState, []byte) {
	place := r.reopen(s, table)
	anotherBoot(r.t, place)
	next := crashStateOf(r.t, filepath.Join(place.Path(), filepath.Base(r.q.logs.dir)))
	d := &crashDisk{synced: map[uint64]bool{}}
	onDisk = d
	q, err := openQueue(place, "q")
	onDisk = realDisk{}
	if err != nil {
		r.t.Fatal(err)
	}
	defer q.Close()
	for _, op := range d.ops[:random.IntN(len(d.ops)+1)] {
		next.do(op)
	}
	next.cut(func() int { return random.IntN(3) }, random)
	if random.IntN(2) == 0 {
		if table, err = os.ReadFile(filepath.Join(place.Path(), "q")); err != nil {
			r.t.Fatal(err)
		}
	}
	return next, table
}

// leaseAll leases all items there are, ends their leases by end, and returns what they were
// put as.
func leaseAll(t testing.TB, place *shm.Dir, end func(*Lease) error) (all []int, s QueueState, damage []*Damage) {
	q, err := openQueue(place, "q")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	q.Tell(func(d *Damage) { damage = append(damage, d) })
	if s, err = q.State(); err != nil {
		t.Fatal(err)
	}
	var leases []*Lease
	for {
		l, err := q.Lease(shm.WaitFor(0))
		if errors.Is(err, shm.ErrTimeout) || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		n := -1
		_, err = l.WriteTo(&b)
		if err == nil {
			_, err = fmt.Sscan(b.String(), &n)
		}
		if err != nil || b.String() != crashText(n) {
			t.Fatalf("%.20q is no item: %v", b.String(), err)
		}
		all, leases = append(all, n), append(leases, l)
	}
	for _, l := range leases {
		if err := end(l); err != nil {
			t.Fatal(err)
		}
	}
	last, err := q.State()
	if want := s.Unfinished - s.Waiting; err != nil || last.Unfinished-last.Waiting != want {
		t.Fatalf("%+v in the end, %v, of %+v", last, err, s)
	}
	return all, s, damage
}

// check checks the queue in place after a loss of power, twice.
func (w *crashWant) check(t testing.TB, place *shm.Dir) {
	anotherBoot(t, place)
	got, s, damage := leaseAll(t, place, (*Lease).Return)
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("not in order: %v", got)
	}
	for n := range w.must {
		if !slices.Contains(got, n) {
			t.Fatalf("item %d is lost: got %v, %v", n, got, damage)
		}
	}
	for _, n := range got {
		if !w.may[n] {
			t.Fatalf("item %d was done, or never put: got %v", n, got)
		}
	}
	for _, d := range damage {
		for n := d.First; n < d.First+d.Items; n++ {
			if w.put[int(n)] {
				t.Fatalf("of item %d, which was put and was not damaged: %v", n, d)
			}
		}
	}
	if out := s.Unfinished - s.Waiting; out < w.outMin || out > w.outMax {
		t.Fatalf("%d are out, want %d to %d", out, w.outMin, w.outMax)
	}
	if w.closed && !s.Closed || s.Closed && !w.mayBeClose {
		t.Fatalf("closed: %v", s.Closed)
	}
	if !s.Closed {
		got = append(got, putMore(t, place)...)
	}
	anotherBoot(t, place)
	again, _, _ := leaseAll(t, place, (*Lease).Done)
	if !slices.Equal(got, again) {
		t.Fatalf("%v, and then %v", got, again)
	}
	anotherBoot(t, place)
	if left, _, _ := leaseAll(t, place, (*Lease).Done); len(left) > 0 {
		t.Fatalf("%v come again", left)
	}
}

// putMore puts two items, of which one is long, and returns what they are put as.
func putMore(t testing.TB, place *shm.Dir) []int {
	q, err := openQueue(place, "q")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	put(t.(interface{ Fatal(...any) }), q, crashText(1000), crashText(1000+2))
	return []int{1000, 1002}
}

// The power goes at any step, and leaves of what is not synced any part: what was put is
// there, once, in order and whole, and what was done is not.
func TestQueueCrash(t *testing.T) {
	smallFiles(t)
	r := newCrashRun(t)
	newest := filepath.Join(r.place.Path(), "q")
	oldest, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	r.run()
	onDisk = realDisk{}
	last, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	garbage := slices.Clone(last)
	for i := 64; i < len(garbage); i++ {
		garbage[i] = byte(random.Uint32())
	}
	copy(garbage[704:], make([]byte, 8)) // it has no text
	tables := [][]byte{oldest, last, garbage}

	state := r.first
	w := &crashWant{must: map[int]bool{}, may: map[int]bool{}, put: map[int]bool{}, ending: map[int]bool{}}
	states := 0
	for step := 0; ; step++ {
		for i, how := range waysToCut(state.pending(), random) {
			s := state.clone()
			s.cut(how, random)
			t.Run(fmt.Sprintf("%d.%d", step, i), func(t *testing.T) {
				rr := *r
				rr.t = t
				want := *w
				want.must, want.may = maps.Clone(w.must), maps.Clone(w.may)
				table := tables[(step+i)%len(tables)]
				if i%3 == 0 { // and again while it is made anew
					s, table = rr.cutAgain(s, table, random)
				}
				want.check(t, rr.reopen(s, table))
			})
			states++
		}
		if step == len(r.disk.ops) || t.Failed() {
			break
		}
		if op := r.disk.ops[step]; op.kind == "remark" {
			op.remark(w)
		} else {
			state.do(op)
		}
	}
	t.Logf("%d steps, %d states", len(r.disk.ops), states)
}

// waysToCut returns how so many steps may be there: in all ways if these are few, else in
// some.
func waysToCut(n int, r *rand.Rand) (all []func() int) {
	const most = 9
	ways := 1
	for range n {
		if ways *= 3; ways > most {
			break
		}
	}
	if ways > most {
		for i := range most {
			all = append(all, func() int {
				if i < 3 {
					return i
				}
				return r.IntN(3)
			})
		}
		return all
	}
	for i := range ways {
		rest := i
		all = append(all, func() int {
			how := rest % 3
			rest /= 3
			return how
		})
	}
	return all
}
