package pool

import (
	"slices"
	"strconv"
	"testing"

	"mpx/internal/task"

	"pgregory.net/rapid"
)

func numbered(seq uint64, size int) item {
	return item{Task: task.Task{Seq: seq, Stdin: make([]byte, size)}}
}

func seqs(items []item) []uint64 {
	s := []uint64{}
	for _, it := range items {
		s = append(s, it.Seq)
	}
	return s
}

// A queue is two lists, one after the other: what has been put back, and what
// is new, each in the order of its coming. take stops after the task that uses
// up the bytes.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var again, fresh []item
		seq := uint64(0)
		draw := func(n int) []item {
			items := make([]item, n)
			for i := range items {
				seq++
				items[i] = numbered(seq, rapid.IntRange(0, 3).Draw(t, "size"))
			}
			return items
		}
		take := func(n, bytes int) {
			want := []item{}
			for len(want) < n && bytes > 0 && len(again)+len(fresh) > 0 {
				from := &again
				if len(again) == 0 {
					from = &fresh
				}
				want = append(want, (*from)[0])
				bytes -= (*from)[0].Size()
				*from = (*from)[1:]
			}
			if got := q.take(n, bytes0(bytes, want), 0); !slices.Equal(seqs(got), seqs(want)) {
				t.Fatalf("took %v, want %v", seqs(got), seqs(want))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for _, it := range draw(rapid.IntRange(1, 40).Draw(t, "n")) {
					q.push(it)
					fresh = append(fresh, it)
				}
			},
			"unshift": func(t *rapid.T) {
				items := draw(rapid.IntRange(0, 5).Draw(t, "n"))
				q.unshift(items)
				again = append(again, items...)
			},
			"take": func(t *rapid.T) {
				take(rapid.IntRange(-1, 30).Draw(t, "n"), rapid.IntRange(0, 20).Draw(t, "bytes"))
			},
			"takeAll": func(t *rapid.T) {
				got := q.takeAll()
				if want := append(seqs(again), seqs(fresh)...); !slices.Equal(seqs(got), want) {
					t.Fatalf("took %v, want %v", seqs(got), want)
				}
				again, fresh = nil, nil
			},
			"": func(t *rapid.T) {
				if q.len() != len(again)+len(fresh) {
					t.Fatalf("length %d, want %d", q.len(), len(again)+len(fresh))
				}
			},
		})
	})
}

// bytes0 is the number of bytes that left bytes after taking items.
func bytes0(left int, items []item) int {
	for _, it := range items {
		left += it.Size()
	}
	return left
}

// A queue that is never empty does not grow for ever.
func TestQueueStaysSmall(t *testing.T) {
	var q queue
	for i := range 100_000 {
		q.push(numbered(uint64(i), 0))
		if i >= 10 {
			q.take(1, 1, 0)
		}
	}
	if cap(q.items) > 64 {
		t.Errorf("room for %d items, 10 held", cap(q.items))
	}
}

// Slots are numbered from 1, the lowest free one first; so no number is above
// the most that were ever taken at once.
func TestSlotsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s slots
		var held []*worker
		top := 0
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				want := 1
				for slices.ContainsFunc(held, func(w *worker) bool { return w.slot == want }) {
					want++
				}
				w := &worker{slot: s.take()}
				if w.slot != want {
					t.Fatalf("slot %d, want %d", w.slot, want)
				}
				held = append(held, w)
				top = max(top, len(held))
			},
			"free": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("none is held")
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				for range rapid.IntRange(1, 3).Draw(t, "times") { // the worker's last task, then its end
					s.free(held[i])
				}
				held = slices.Delete(held, i, i+1)
			},
			"": func(t *rapid.T) {
				if s.used != len(held) || s.top != top {
					t.Fatalf("used %d, top %d; want %d, %d", s.used, s.top, len(held), top)
				}
			},
		})
	})
}

func TestItemsOfNumbers(t *testing.T) {
	var q queue
	q.push(numbered(1, 0))
	q.push(numbered(2, 5))
	q.push(numbered(3, 0))
	for _, c := range []struct {
		n, bytes int
		want     string
	}{{0, 9, ""}, {3, 0, ""}, {3, 5, "12"}, {3, 5, "3"}, {3, 5, ""}} {
		got := ""
		for _, s := range seqs(q.take(c.n, c.bytes, 0)) {
			got += strconv.Itoa(int(s))
		}
		if got != c.want {
			t.Errorf("take(%d, %d) = %q, want %q", c.n, c.bytes, got, c.want)
		}
	}
}
