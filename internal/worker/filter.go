package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// A Filter is the configuration of the function "filter".
type Filter struct {
	Command task.Spec
	// JSON says that records and replies are objects, a line each, and replies
	// come in any order; else they are the records as they are, in order.
	JSON     bool
	Inflight int // most records that the command has at a time; 0: by their time
}

// A filterRunner feeds records to one running copy of a command and takes its
// replies. Unlike the other runners it has many tasks at work: those that the
// copy has been given, in flight.
//
// Feeding and reading are two ends of one poll, neither of which ever blocks: a
// filter that does not read until it has written, or the other way round, is
// served all the same, however large its records.
type filterRunner struct {
	s       *session
	conf    Filter
	delim   byte
	argv    []string
	env     []string
	paths   paths
	copy    filterCopy
	flight  []sent        // fed to the copy and not answered, in order
	n       int           // records of flight
	unsent  [][]byte      // what of those its stdin has not taken
	size    int           // bytes of unsent
	own     bool          // the last of unsent may be added to
	buf     []byte        // what has been read of its replies
	have    int           // bytes of buf
	readAt  time.Time     // when it is read again; zero: as something comes
	long    bool          // the beginning of the first reply has been sent on
	since   time.Time     // when the first record in flight became that
	each    float64       // seconds a reply takes, smoothed; 0: unknown
	least   int           // in flight at least: it holds back its replies
	silence time.Duration // since the last sign of life until it is looked again
	clocks
	wear    filterWear
	suspect time.Time // since, when it seemed to hold back the reply to that first record
	warmth
	starveAt time.Time // when it is looked whether it holds back its replies
	brokenAt time.Time // when it must have ended, as it has closed a pipe
	broken   string    // which
	forced   bool      // it did not
	end      ipc.End
	fault    error
}

// sent is what a filter has been given together: n records from seq on.
type sent struct {
	seq     uint64
	attempt uint32
	n       int
}

const (
	replyRoom = 64 << 10  // bytes that are read at a time
	feedRoom  = 256 << 10 // bytes that wait for the filter to read them
	// aheadTime is how much work a filter is given ahead: enough to hide the way
	// to it and back. Records that take longer are given one by one, so that none
	// waits behind another while a worker is idle.
	aheadTime    = 2 * time.Millisecond
	aheadRecords = 16 << 10
)

func newFilter(s *session) (runner, error) {
	r := &filterRunner{s: s, delim: s.cfg.Delim, paths: paths{}}
	if err := json.Unmarshal(s.cfg.Args, &r.conf); err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	tmpl, err := task.Compile(r.conf.Command)
	if err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	if r.argv, err = tmpl.Argv(&task.Task{}, s.cfg.Slot); err != nil {
		return nil, err
	}
	r.env = taskEnv(&s.cfg)
	r.env = r.env[:len(r.env)-2] // MPX_SEQ and MPX_ATTEMPT: it has many
	r.buf = make([]byte, replyRoom)
	r.copy = noCopy
	if len(s.cfg.Initializer) > 0 {
		return newPrologue(s, r)
	}
	return r, nil
}

// start is not called: feed takes the tasks.
func (r *filterRunner) start(*job) { panic("bug: a filter takes its tasks itself") }

func (r *filterRunner) busy() bool { return !r.s.leaving && (r.n > 0 || len(r.s.queue) > 0) }

func (r *filterRunner) wait(fds []unix.PollFd, d time.Duration) (int, error) {
	return proc.Poll(fds, d)
}

func (r *filterRunner) failed() error { return r.fault }

// feed gives the copy what it may have now.
func (r *filterRunner) feed() {
	s := r.s
	for s.mayStart() && r.hungry() && s.out.Room() >= 2*reserve {
		room := max(min(r.limit(), r.fits()), r.least) - r.n
		if room <= 0 || !r.take(room) {
			break
		}
	}
	r.write()
	if s.retiring && len(s.queue) == 0 && s.arriving == nil && len(r.unsent) == 0 {
		r.copy.closeStdin() // it may hold its replies back until then
	}
}

// hungry reports whether the copy may be given more at all.
func (r *filterRunner) hungry() bool {
	return r.size < feedRoom && !r.copy.closed && r.broken == "" && r.end == ipc.Ended
}

// limit is how many records may be in flight by their time.
func (r *filterRunner) limit() int {
	switch {
	case r.conf.Inflight > 0:
		return r.conf.Inflight
	case r.s.cfg.HoldFailed || r.s.cfg.HoldOK: // what is in flight has been started
	case r.each > 0:
		return int(min(max(aheadTime.Seconds()/r.each, 1), aheadRecords))
	}
	return 1
}

// take moves the next task, of a span up to room records, into flight. It is
// false when that has to wait.
func (r *filterRunner) take(room int) bool {
	s := r.s
	next := &s.queue[0]
	if next.Records == 0 && !r.conf.JSON && bytes.IndexByte(next.Values.At(0), r.delim) >= 0 {
		if r.n > 0 { // its end is told in its turn
			return false
		}
		j := s.next()
		r.show()
		s.done(refusal(j, 126, "the record holds the delimiter, which would make it two for the filter",
			"-0 has records end with NUL bytes, both ways; --protocol json takes any"))
		return true
	}
	j := s.nextOf(room)
	if r.n == 0 {
		r.since = time.Now()
	}
	r.flight = append(r.flight, sent{j.Seq, j.Attempt, j.N()})
	if r.least > 0 { // whether it does not answer now either is soon to be seen
		r.silence = starveAfter
		r.starveAt = time.Now().Add(r.silence)
	}
	if r.n += j.N(); r.n == j.N() {
		r.show()
		r.waiting()
	}
	switch {
	case r.conf.JSON:
		r.sendObject(j)
	case j.Records > 0:
		r.unsent, r.own = append(r.unsent, j.Stdin), false
		r.size += len(j.Stdin)
	default:
		r.send(j.Values.At(0), r.delim)
	}
	return true
}

// send adds a record to what is to be written: small ones together.
func (r *filterRunner) send(record []byte, delim byte) {
	k := len(r.unsent) - 1
	if need := len(record) + 1; !r.own || k < 0 || cap(r.unsent[k])-len(r.unsent[k]) < need {
		r.unsent, r.own = append(r.unsent, make([]byte, 0, max(replyRoom/4, need))), true
		k++
	}
	r.unsent[k] = append(append(r.unsent[k], record...), delim)
	r.size += len(record) + 1
}

// write gives the copy as much as its stdin takes.
func (r *filterRunner) write() {
	for len(r.unsent) > 0 {
		n, err := proc.Write(r.copy.in, r.unsent[0])
		r.size -= n
		if r.unsent[0] = r.unsent[0][n:]; len(r.unsent[0]) == 0 {
			r.unsent[0] = nil
			r.unsent = r.unsent[1:]
		}
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if err != nil { // EPIPE: it has ended, or reads no more
			r.unsent, r.size = nil, 0
			r.breaks("its stdin")
			return
		}
	}
	r.unsent = nil
}

// show puts the first record in flight on the board: it is what is lost if this
// process is killed.
func (r *filterRunner) show() {
	if len(r.flight) == 0 {
		r.s.board.State.Store(0)
		return
	}
	f := &r.flight[0]
	r.s.begin(&task.Task{Seq: f.seq, Attempt: f.attempt}, r.since)
	r.s.board.Group.Store(uint64(max(r.copy.pid, 0)))
}
