package ipc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mpx/internal/shm"
)

// damages are what another program, or a disk, may do to the bytes from first to end.
var damages = map[string]func(b []byte, first, end int) []byte{
	"zeroed": func(b []byte, first, end int) []byte { clear(b[first:end]); return b },
	"flipped": func(b []byte, first, end int) []byte {
		for i := first; i < end; i++ {
			b[i] ^= 0xff
		}
		return b
	},
	"cut off": func(b []byte, first, _ int) []byte { return b[:first] },
}

// A span is where an item's record stands in the log, or nowhere: first > end.
type span struct{ segment, first, end int }

// spansOf returns where the items of a queue stand.
func spansOf(t *testing.T, l *logs) (all []span) {
	segments, err := l.list("log")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range segments {
		b, err := l.content(n)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(b); {
			_, size := l.parseRecord(b[at:], n<<32+uint64(at))
			if size == 0 {
				t.Fatalf("no record at %d of segment %d", at, n)
			}
			all = append(all, span{int(n), at, at + size})
			at += size
		}
	}
	return all
}

// Whatever part of the log is damaged, all items are had that stand outside of it, in their
// order; of the others it is told, and join does not wait for them. So it is without and
// with another start of the machine, and nothing is put behind a hole.
func TestQueueDamaged(t *testing.T) {
	smallFiles(t)
	const items = 20
	d, place := testDir(t), testDir(t)
	q, err := MakeQueue(d, "q", 0, place.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for i := range items {
		put(t, q, crashText(i))
	}
	all := spansOf(t, &q.logs)
	if len(all) != items || all[items-1].segment < 2 {
		t.Fatal(all)
	}
	state := crashStateOf(t, q.logs.dir)
	table, err := os.ReadFile(filepath.Join(place.Path(), "q"))
	if err != nil {
		t.Fatal(err)
	}
	r := &crashRun{t: t, q: q}
	for _, s := range spansToDamage(all) {
		for how, f := range damages {
			for _, reboot := range []bool{false, true} {
				cut := state.clone()
				file := cut.files[cut.names[q.logs.path(uint64(s.segment))]]
				file.b = f(file.b, s.first, min(s.end, len(file.b)))
				t.Run(fmt.Sprintf("%s %d-%d of %d, reboot %v", how, s.first, s.end, s.segment, reboot), func(t *testing.T) {
					rr := *r
					rr.t = t
					there := rr.reopen(cut, table)
					if reboot {
						anotherBoot(t, there)
					}
					checkDamaged(t, there, all, func(i int) bool {
						at := all[i]
						return at.segment == s.segment && at.end > s.first && (at.first < s.end || how == "cut off")
					}, reboot)
				})
			}
		}
	}
}

// spansToDamage returns parts of a log, at and around all borders of records.
func spansToDamage(records []span) (all []span) {
	borders := map[int][]int{}
	for _, r := range records {
		borders[r.segment] = append(borders[r.segment], r.first, r.first+9, r.end-1)
	}
	for segment, at := range borders {
		for i, first := range at {
			for _, end := range []int{first + 1, at[min(i+1, len(at)-1)], at[min(i+7, len(at)-1)], 1 << 30} {
				if end > first {
					all = append(all, span{segment, first, end})
				}
			}
		}
	}
	return all
}

func checkDamaged(t *testing.T, place *shm.Dir, all []span, hit func(int) bool, reboot bool) {
	q, err := openQueue(place, "q")
	if err != nil {
		t.Fatal(err)
	}
	put(t, q, crashText(len(all)))
	q.Close()
	got, _, told := leaseAll(t, place, (*Lease).Done)
	lost := 0
	for i := range all {
		there := slices.Contains(got, i)
		if !there {
			lost++
		}
		if !there && !hit(i) {
			t.Fatalf("item %d, which is whole, is lost: got %v, %v", i, got, told)
		}
	}
	if !slices.IsSorted(got) || got[len(got)-1] != len(all) {
		t.Fatalf("not in order, or without what was put last: %v", got)
	}
	count := 0
	for _, d := range told {
		count += int(d.Items)
	}
	// After a start of the machine nobody can know that there was more at the end.
	if count != lost && !(reboot && count < lost && hit(len(all)-1)) {
		t.Fatalf("%d items are lost, and told of %d: %v", lost, count, told)
	}
	q, err = openQueue(place, "q")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Join(shm.WaitFor(0)); err != nil {
		t.Fatal(err)
	}
}
