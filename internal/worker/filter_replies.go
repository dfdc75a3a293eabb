package worker

import (
	"bytes"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/task"
)

// readReplies reads once. It reports whether there may be more.
func (r *filterRunner) readReplies() (more bool) {
	if r.s.out.Room() < replyRoom+2*reserve {
		if err := r.s.drain(); err != nil {
			r.fault = err
			return false
		}
	}
	n, err := proc.Read(r.copy.out, r.buf[r.have:])
	if n == 0 && err == nil {
		r.copy.ended = true
		r.breaks("its stdout")
		return false
	}
	if n <= 0 {
		return false
	}
	more = r.have+n == len(r.buf)
	r.have += n
	r.gather(n)
	if r.conf.JSON {
		r.readObjects(n)
	} else {
		r.readRecords()
	}
	if r.n == 0 && r.have > 0 {
		r.surplus()
	}
	return more
}

// gather puts off the next read when the last one brought little and the filter
// has enough to do meanwhile: one that writes each reply by itself would wake
// this process for each.
func (r *filterRunner) gather(n int) {
	r.readAt = time.Time{}
	if work := time.Duration(float64(r.n) * r.each * float64(time.Second) / 4); n < gatherBytes && work > gatherLeast {
		r.readAt = time.Now().Add(min(work, gatherMost))
	}
}

const (
	gatherBytes = 16 << 10
	gatherLeast = 50 * time.Microsecond
	gatherMost  = 500 * time.Microsecond
)

// readRecords takes in the whole replies that stand in buf.
func (r *filterRunner) readRecords() {
	end := bytes.LastIndexByte(r.buf[:r.have], r.delim) + 1
	if end == 0 {
		if r.have == len(r.buf) && r.n > 0 { // it goes on, piece by piece
			f := &r.flight[0]
			o := ipc.Out{Seq: f.seq, Attempt: f.attempt, Stream: 1, Data: r.buf}
			r.s.commit(o.Append)
			r.have, r.long = 0, true
		}
		return
	}
	count := bytes.Count(r.buf[:end], []byte{r.delim})
	if count > r.n {
		count, end = r.n, task.EndOf(r.buf, r.n, r.delim)
	}
	if count > 0 {
		r.answered(count, r.buf[:end])
	}
	r.have = copy(r.buf, r.buf[end:r.have])
}

// answered commits the replies to the first count records in flight.
func (r *filterRunner) answered(count int, replies []byte) {
	now := time.Now()
	elapsed := now.Sub(r.since)
	f := ipc.Replies{Seq: r.flight[0].seq, Count: uint32(count), Start: r.since.UnixNano(), Elapsed: int64(elapsed), Data: replies}
	r.s.commit(f.Append)
	r.s.holding = r.s.holding || r.s.cfg.HoldOK
	r.s.board.Done.Add(uint64(count))
	r.n -= count
	r.long = false
	for k := count; k > 0; {
		first := &r.flight[0]
		if first.n > k {
			first.seq, first.n = first.seq+uint64(k), first.n-k
			break
		}
		k -= first.n
		r.flight = r.flight[1:]
	}
	r.progress(now, count, elapsed)
}

// progress takes in that count replies have come in elapsed.
func (r *filterRunner) progress(now time.Time, count int, elapsed time.Duration) {
	if r.copy.replies > 0 { // the first one's time is that of its start
		each := elapsed.Seconds() / float64(count)
		if r.each == 0 {
			r.each = each
		}
		r.each += (each - r.each) / 4
	}
	r.copy.replies += uint64(count)
	r.isWarm()
	r.since = now
	r.weigh()
	r.show()
	r.waiting()
}

// surplus: the filter has said more than it was asked for.
func (r *filterRunner) surplus() {
	if r.copy.surplus == "" {
		r.copy.surplus = string(r.buf[:min(r.have, 100)])
	}
	r.have = 0
}
