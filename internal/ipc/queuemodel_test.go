package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"mpx/internal/shm"

	"pgregory.net/rapid"
)

// A modelQueue is what a queue is to be.
type modelQueue struct {
	waiting    []int // numbers of items, those that are back first, by age
	leased     map[int]*Lease
	deliveries map[int]int
	items      []string
	most, out  int // out: taken, and not done
	closed     bool
}

// give checks that l is of the first item, and has it leased.
func (m *modelQueue) give(t *rapid.T, l *Lease) {
	n := m.waiting[0]
	m.waiting = m.waiting[1:]
	m.deliveries[n]++
	var b bytes.Buffer
	if _, err := l.WriteTo(&b); err != nil || b.String() != m.items[n] || int(l.Number()) != n || l.Deliveries() != m.deliveries[n] {
		t.Fatalf("item %d (%d bytes, delivery %d), %v; want %d (%d bytes, delivery %d)", l.Number(), b.Len(), l.Deliveries(), err, n, len(m.items[n]), m.deliveries[n])
	}
	m.leased[n] = l
}

// take draws one of those that are leased.
func (m *modelQueue) take(t *rapid.T) (n int, l *Lease) {
	if len(m.leased) == 0 {
		t.Skip("none is leased")
	}
	n = rapid.SampledFrom(slices.Sorted(maps.Keys(m.leased))).Draw(t, "item")
	l = m.leased[n]
	delete(m.leased, n)
	return n, l
}

// A queue is a list, and those that have an item of it.
func TestQueueModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		m := modelQueue{leased: map[int]*Lease{}, deliveries: map[int]int{}, most: rapid.IntRange(0, 5).Draw(t, "most")}
		q, err := MakeQueue(d, "model", m.most, "")
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		defer d.Remove("model") //nolint:errcheck // the next run would say so
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var items []Item
				var texts []string
				for range rapid.IntRange(1, 4).Draw(t, "items") {
					size := rapid.SampledFrom([]int{0, 1, 30, 60_000, maxShort, maxShort + 1, 100_000}).Draw(t, "size")
					text := fmt.Sprint(len(m.items)+len(texts), " ") + string(bytes.Repeat([]byte{byte(size)}, size))
					i, err := q.ItemOf([]byte(text))
					if err != nil {
						t.Fatal(err)
					}
					defer i.Close()
					items, texts = append(items, i), append(texts, text)
				}
				room := len(items)
				if m.most > 0 {
					room = max(min(room, m.most-len(m.waiting)), 0)
				}
				n, err := q.Put(items, shm.WaitFor(0))
				switch {
				case m.closed:
					if n != 0 || !errors.Is(err, ErrQueueClosed) {
						t.Fatal(n, err)
					}
					return
				case n != room || (n < len(items)) != errors.Is(err, shm.ErrTimeout) || n == len(items) && err != nil:
					t.Fatalf("put %d of %d, room for %d: %v", n, len(items), room, err)
				}
				for _, text := range texts[:n] {
					m.waiting = append(m.waiting, len(m.items))
					m.items = append(m.items, text)
				}
			},
			"lease": func(t *rapid.T) {
				l, err := q.Lease(shm.WaitFor(0))
				switch {
				case len(m.waiting) > 0:
					if err != nil {
						t.Fatal(err)
					}
				case m.closed && len(m.leased) == 0:
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					return
				default:
					if !errors.Is(err, shm.ErrTimeout) {
						t.Fatal(err)
					}
					return
				}
				m.give(t, l)
			},
			"take next": func(t *rapid.T) {
				_, l := m.take(t)
				// Where it may, it leases what is in the log, and nothing that is back.
				fresh := len(m.items) - len(m.deliveries)
				next, err := l.TakeNext()
				if err != nil || next != nil && (fresh == 0 || len(m.waiting) > fresh) {
					t.Fatal(next, err, fresh)
				}
				m.out++
				if next != nil {
					m.give(t, next)
				}
			},
			"end": func(t *rapid.T) {
				n, l := m.take(t)
				var err error
				switch rapid.IntRange(0, 2).Draw(t, "how") {
				case 0:
					err = l.Done()
				case 1:
					err = l.Take()
					m.out++
				case 2:
					err = l.Return()
					// Those that are back have lower numbers than the others.
					at, _ := slices.BinarySearch(m.waiting, n)
					m.waiting = slices.Insert(m.waiting, at, n)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			"task done": func(t *rapid.T) {
				err := q.TaskDone()
				if (m.out > 0) != (err == nil) || err != nil && !errors.Is(err, ErrTooManyDone) {
					t.Fatal(m.out, err)
				}
				m.out = max(m.out-1, 0)
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					m.closed = true
					if err := q.SetClosed(); err != nil {
						t.Fatal(err)
					}
				}
			},
			"": func(t *rapid.T) {
				s, err := q.State()
				want := QueueState{len(m.waiting), len(m.leased), len(m.waiting) + len(m.leased) + m.out, m.most, m.closed}
				if err != nil || s != want {
					t.Fatalf("%+v, %v; want %+v", s, err, want)
				}
				err = q.Join(shm.WaitFor(0))
				if (s.Unfinished == 0) != (err == nil) || err != nil && !errors.Is(err, shm.ErrTimeout) {
					t.Fatal(s.Unfinished, err)
				}
				files, err := filepath.Glob(filepath.Join(q.logs.dir, "*"))
				// Of each item that is not gone at most a segment or a file, and the
				// segment that is written.
				if most := len(m.waiting) + len(m.leased) + 2; err != nil || len(files) > most {
					t.Fatalf("%d files, at most %d are of use: %v, %v", len(files), most, files, err)
				}
			},
		})
	})
}
