package worker

import (
	"math"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A filterWear is what is known of the memory of a copy. Many records are in
// flight, and each may add to it: how many there may be follows from what one
// added so far, so that the copy stays under the limit, rather than be found over
// it.
type filterWear struct {
	pids   []int // of the copy
	pidsAt time.Time
	from   int64  // bytes at the first look; 0: there was none
	first  uint64 // replies then
	now    int64  // at the last look
	last   uint64
	each   float64 // bytes that a record adds
}

// residentsFor is how long a list of processes is good for.
const residentsFor = 100 * time.Millisecond

// residents are the copy and what it has started.
func (r *filterRunner) residents() []int {
	w := &r.wear
	if now := time.Now(); now.Sub(w.pidsAt) > residentsFor {
		w.pids, w.pidsAt = proc.Descendants(unix.Getpid()), now
	}
	return w.pids
}

// weigh looks at the memory after replies, and reckons what a record adds.
func (r *filterRunner) weigh() {
	s, w := r.s, &r.wear
	if s.cfg.MaxMemory <= 0 {
		return
	}
	if w.each*float64(r.n+wearClose) > float64(s.cfg.MaxMemory-w.now) { // it is close
		s.wear.lookAt = time.Time{}
	}
	before := s.wear.lookAt
	if s.look(r); s.wear.lookAt.Equal(before) {
		return
	}
	w.last, w.now = r.copy.replies, int64(s.board.Resident.Load())
	if w.from == 0 {
		w.from, w.first = w.now, w.last
	} else if n := w.last - w.first; n > 0 {
		w.each = max(0, float64(w.now-w.from)/float64(n))
	}
	s.wear.next = int64(w.each)
}

// wearClose is how many records to its limit a copy is looked at after each.
const wearClose = 64

// fits is how many records may be in flight by the memory they will take; many
// where there is no limit.
func (r *filterRunner) fits() int {
	w, limit := &r.wear, r.s.cfg.MaxMemory
	switch {
	case limit <= 0:
		return math.MaxInt
	case w.from == 0 || w.last == w.first: // it is not known yet
		return 1
	case w.each == 0:
		return aheadRecords
	}
	since := float64(r.copy.replies - w.last)
	return int(max(1, min(aheadRecords, float64(limit-w.now)/w.each-since)))
}
