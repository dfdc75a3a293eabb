package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mpx/internal/shm"
)

// testDir returns a directory of objects, empty again when the test ends.
func testDir(t testing.TB) *shm.Dir {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "mpx-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	d, err := shm.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func makeQueue(t testing.TB, d *shm.Dir, most int) *Queue {
	t.Helper()
	q, err := MakeQueue(d, "q", most, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// put puts items that must fit.
func put(t interface{ Fatal(...any) }, q *Queue, items ...string) {
	var all []Item
	for _, text := range items {
		i, err := q.ItemOf([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		all = append(all, i)
	}
	if n, err := q.Put(all, shm.WaitFor(0)); n != len(items) || err != nil {
		t.Fatal(n, err)
	}
}

// get leases the first item, which must be there, and returns it and its text.
func get(t interface{ Fatal(...any) }, q *Queue) (*Lease, string) {
	l, err := q.Lease(shm.WaitFor(0))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := l.WriteTo(&b); err != nil || l.Size() != int64(b.Len()) {
		t.Fatal(err, l.Size(), b.Len())
	}
	return l, b.String()
}

// Many items pass through many segments, and leave nothing behind.
func TestQueueSegments(t *testing.T) {
	q := makeQueue(t, testDir(t), 0)
	text := string(bytes.Repeat([]byte("x"), 10_000))
	for round := range 5 {
		for i := range 200 {
			put(t, q, fmt.Sprint(i, text))
		}
		for i := range 200 {
			l, got := get(t, q)
			if got != fmt.Sprint(i, text) {
				t.Fatalf("round %d: item %d is another", round, i)
			}
			if err := l.Done(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if files, err := filepath.Glob(filepath.Join(q.logs.dir, "*")); err != nil || len(files) > 1 {
		t.Error(files, err)
	}
}

// Who waits is woken: for an item, for room, for the end, for all that is done.
func TestQueueWaits(t *testing.T) {
	d := testDir(t)
	q := makeQueue(t, d, 1)
	other, err := OpenQueue(d, "q")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	leases, errs := make(chan *Lease), make(chan error)
	go func() {
		for range 2 {
			l, err := other.Lease(shm.Wait{})
			if err != nil {
				errs <- err
			}
			leases <- l
		}
		for { // c, if there was room for it, and the end
			l, err := other.Lease(shm.Wait{})
			if err == nil {
				err = l.Done()
			}
			if err != nil {
				errs <- err
				return
			}
		}
	}()
	put(t, q, "a")
	first := <-leases
	if _, err := q.Put([]Item{{b: []byte("b")}, {b: []byte("c")}}, shm.WaitFor(0)); err != nil && !errors.Is(err, shm.ErrTimeout) {
		t.Error(err)
	}
	second := <-leases
	joined := make(chan error, 1)
	go func() { joined <- q.Join(shm.Wait{}) }()
	if err := q.SetClosed(); err != nil {
		t.Error(err)
	}
	for _, l := range []*Lease{first, second} {
		if err := l.Done(); err != nil {
			t.Error(err)
		}
	}
	if err := <-errs; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := <-joined; err != nil {
		t.Error(err)
	}
}

// What is in a directory lasts: with another boot of the machine its items are there,
// and those that were leased are back.
func TestQueueLasts(t *testing.T) {
	d, place := testDir(t), testDir(t)
	q, err := MakeQueue(d, "q", 0, place.Path())
	if err != nil {
		t.Fatal(err)
	}
	put(t, q, "a", "b", "c")
	l, _ := get(t, q)
	if l.Deliveries() != 1 {
		t.Error(l.Deliveries())
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	// Another boot: the file says so, and d is as good as gone.
	f, err := os.OpenFile(filepath.Join(place.Path(), "q"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 16), 24); err != nil {
		t.Error(err)
	}
	f.Close()
	if _, err := MakeQueue(d, "q", 0, place.Path()); !errors.Is(err, shm.ErrExists) {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(d.Path(), "q")); err != nil {
		t.Error(err)
	}
	if q, err = MakeQueue(d, "q", 0, place.Path()); err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	put(t, q, "d")
	for i, want := range []string{"a", "b", "c", "d"} {
		l, got := get(t, q)
		if got != want || l.Deliveries() != []int{2, 1, 1, 1}[i] {
			t.Errorf("%q, delivery %d; want %q", got, l.Deliveries(), want)
		}
		if err := l.Done(); err != nil {
			t.Error(err)
		}
	}
}

// A clock that has been put back by an hour keeps nobody from looking for the dead.
func TestQueueClock(t *testing.T) {
	q := makeQueue(t, testDir(t), 0)
	put(t, q, "a")
	l, _ := get(t, q)
	if err := q.t.Change(shm.Wait{}, func(c *shm.Change) error {
		c.Words[wordLooked] = uint64(time.Now().Add(time.Hour).UnixNano())
		r := l.Row
		r[6]++ // a process of this pid that is no more
		c.Set(l.row, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again, err := q.Lease(shm.WaitFor(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Done(); err != nil || again.Deliveries() != 2 {
		t.Error(err, again.Deliveries())
	}
}

// More are not leased than there are rows; one that is back counts, and goes first.
func TestQueueLeases(t *testing.T) {
	q := makeQueue(t, testDir(t), 0)
	var leases []*Lease
	for i := range maxLeases {
		put(t, q, fmt.Sprint(i))
		l, _ := get(t, q)
		leases = append(leases, l)
	}
	put(t, q, "next")
	if l, err := q.Lease(shm.WaitFor(0)); !errors.Is(err, ErrLeases) {
		t.Error(l, err)
	}
	if err := errors.Join(leases[7].Return(), leases[3].Return()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"3", "7"} {
		l, got := get(t, q)
		if got != want || l.Deliveries() != 2 {
			t.Errorf("%q, delivery %d; want %q", got, l.Deliveries(), want)
		}
		if err := l.Done(); err != nil {
			t.Error(err)
		}
	}
	if _, got := get(t, q); got != "next" {
		t.Errorf("%q", got)
	}
}

// A queue that is removed while an item is made for it leaves nothing behind.
func TestQueueRemoved(t *testing.T) {
	d := testDir(t)
	q := makeQueue(t, d, 0)
	if err := d.Remove("q"); err != nil {
		t.Error(err)
	}
	i, err := q.ItemOf(make([]byte, maxShort+1))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	for _, items := range [][]Item{{i}, {{b: []byte("x")}}} {
		if n, err := q.Put(items, shm.Wait{}); n != 0 || !errors.Is(err, shm.ErrRemoved) {
			t.Error(n, err)
		}
	}
	if _, err := q.Lease(shm.Wait{}); !errors.Is(err, shm.ErrRemoved) {
		t.Error(err)
	}
	if files, err := os.ReadDir(d.Path()); err != nil || len(files) > 0 {
		t.Error(files, err)
	}
}

func BenchmarkQueue(b *testing.B) {
	for _, waiting := range []int{10, 1_000_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			q := makeQueue(b, testDir(b), 0)
			item := []Item{{b: []byte("an item of 24 bytes here")}}
			for range waiting {
				if _, err := q.Put(item, shm.Wait{}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := q.Put(item, shm.Wait{}); err != nil {
					b.Fatal(err)
				}
				l, err := q.Lease(shm.Wait{})
				if err == nil {
					err = l.Done()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
