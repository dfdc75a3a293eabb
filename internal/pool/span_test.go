package pool

import (
	"bytes"
	"strconv"
	"testing"

	"mpx/internal/task"

	"pgregory.net/rapid"
)

// A spanWorker is what a worker of filters does with spans, by its own books: what
// waits there, and what its filter has.
type spanWorker struct {
	w             worker
	queue, flight []task.Task
}

// feed moves up to n records of the first that waits into flight.
func (s *spanWorker) feed(n int) {
	if t := &s.queue[0]; t.N() > n {
		s.flight = append(s.flight, t.Cut(n, '\n'))
		return
	}
	s.flight, s.queue = append(s.flight, s.queue[0]), s.queue[1:]
}

// giveBack names up to n of the newest records that wait, which are the
// supervisor's again.
func (s *spanWorker) giveBack(n int) (seqs []uint64) {
	for n > 0 && len(s.queue) > 0 {
		last := &s.queue[len(s.queue)-1]
		if last.N() > n {
			back := *last
			*last = back.Cut(back.N()-n, '\n')
			return append(seqs, back.Seq)
		}
		n -= last.N()
		seqs = append(seqs, last.Seq)
		s.queue = s.queue[:len(s.queue)-1]
	}
	return seqs
}

// Spans are cut as they are handed out, fed, answered, given back and lost, by two
// sides that count for themselves. Each record is answered once, by its own
// number, and with its own bytes.
func TestSpansModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		p := &Pool{cfg: Config{Delim: '\n'}}
		workers := []*spanWorker{{w: worker{p: p}}, {w: worker{p: p}}}
		answered := map[uint64]bool{}
		total := uint64(0)
		end := func(it item) {
			for i, record := range bytes.SplitAfter(it.Stdin, []byte("\n"))[:it.N()] {
				seq := it.Seq + uint64(i)
				if answered[seq] || string(record) != strconv.FormatUint(seq, 10)+"\n" {
					t.Fatalf("record %q is answered as %d (before: %v)", record, seq, answered[seq])
				}
				answered[seq] = true
			}
		}
		some := func(t *rapid.T) int { return rapid.IntRange(1, 9).Draw(t, "n") }
		any := func(t *rapid.T) *spanWorker { return rapid.SampledFrom(workers).Draw(t, "worker") }
		hand := func(s *spanWorker, n int) {
			items := q.take(n, 1<<20, '\n')
			s.w.hand(items)
			s.w.outbox = nil
			for _, it := range items {
				it.Stdin = bytes.Clone(it.Stdin)
				s.queue = append(s.queue, it.Task)
			}
		}
		answer := func(s *spanWorker, n int) {
			for n > 0 && len(s.flight) > 0 {
				k := min(n, s.flight[0].N())
				if first, err := s.w.front(s.flight[0].Seq); err != nil || first.Seq != s.flight[0].Seq {
					t.Fatal(first.Seq, err)
				}
				for left := k; left > 0; {
					it, ok := s.w.cutInflight(left)
					if !ok {
						t.Fatal("answered more than it was given")
					}
					left -= it.N()
					end(it)
				}
				if n -= k; s.flight[0].N() > k {
					s.flight[0].Cut(k, '\n')
				} else {
					s.flight = s.flight[1:]
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				it := item{Task: task.Task{Seq: total + 1, FromStdin: true, Attempt: 1, Records: some(t)}}
				for range it.Records {
					total++
					it.Stdin = append(strconv.AppendUint(it.Stdin, total, 10), '\n')
				}
				q.push(it)
			},
			"hand": func(t *rapid.T) { hand(any(t), some(t)) },
			"feed": func(t *rapid.T) {
				if s := any(t); len(s.queue) > 0 {
					s.feed(some(t))
				}
			},
			"answer": func(t *rapid.T) { answer(any(t), some(t)) },
			"recall": func(t *rapid.T) {
				s, n := any(t), some(t)
				waited := tasks(s.queue)
				back := s.w.giveBack(s.giveBack(n))
				if got := count(back); got != min(n, waited) {
					t.Fatalf("%d are back of %d that waited, want %d", got, waited, n)
				}
				q.unshift(back)
			},
			"die": func(t *rapid.T) { // under the first in flight, which ends there
				s := any(t)
				back := s.w.takeInflight()
				if got, want := count(back), tasks(s.flight)+tasks(s.queue); got != want {
					t.Fatalf("it had %d, by its own books %d", got, want)
				}
				if len(s.flight) > 0 {
					end(s.w.cut(&back, 1))
				}
				q.unshift(back)
				s.flight, s.queue = nil, nil
			},
			"": func(t *rapid.T) {
				held := len(answered) + q.len()
				for _, s := range workers {
					held += count(s.w.inflight)
				}
				if held != int(total) {
					t.Fatalf("%d records, %d accounted for", total, held)
				}
			},
		})
		for s := workers[0]; q.len() > 0; {
			hand(s, 5)
			for _, s := range workers {
				for len(s.queue) > 0 {
					s.feed(3)
				}
				answer(s, 1<<20)
			}
		}
	})
}

func tasks(list []task.Task) (n int) {
	for i := range list {
		n += list[i].N()
	}
	return n
}
