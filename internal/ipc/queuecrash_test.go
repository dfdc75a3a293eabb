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

// reopen makes the queue that a loss of power has left, and returns its directory.
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
