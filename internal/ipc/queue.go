package ipc

import (
	"errors"
	"fmt"
	"time"

	"mpx/internal/shm"
)

// Errors of queues.
var (
	// ErrQueueClosed is the error of who puts into a closed queue (Python: ValueError
	// "Queue is closed").
	ErrQueueClosed = errors.New("the queue is closed")
	// ErrTooManyDone: more is said to be done than has been given out (Python:
	// ValueError "task_done() called too many times").
	ErrTooManyDone = errors.New("more is said to be done than was given out")
	// ErrPlace: a queue would be kept where its name is.
	ErrPlace = errors.New("it is where all shared objects are")
	// ErrLeases: as many items as a queue can keep account of are leased.
	ErrLeases = fmt.Errorf("%d of its items are at work, and no more can be", maxLeases)
)

// A Queue is a first-in, first-out queue of items, which are bytes, between any
// processes: Python's JoinableQueue. Items stay while no process lives.
//
//	put ──▶ waiting ──Lease──▶ leased ──Take──▶ given out ──TaskDone──▶ done
//	           ▲                 │ │
//	           └─────────────────┘ └──Done──▶ done
//	     Return; or who has it has died
//
// It is a shm.Table, which says where the queue begins and ends in its log, and a
// row for each item that is leased; beside it a directory with the log, in segments
// (segment.go), and long items, a file each. What a process puts is written first,
// and then is in the queue by one change of the table; so whoever is killed leaves
// whole items, each once.
type Queue struct {
	// RetryDelay is how long what is leased from now on is kept back after it has come
	// back, doubled each time that it does: at most MaxRetryDelay, in whole milliseconds.
	RetryDelay time.Duration

	t     *shm.Table
	logs  logs
	lasts bool

	told   func(*Damage)
	untold []*Damage

	// Of one that lasts: whether this process has acks that are not written through, up to
	// where they stand, the failures before the first of them, and when it last did that.
	ackDue               bool
	ackedTo, ackFailures uint64
	ackedAt              time.Time
}

// MaxRetryDelay is the longest that an item is kept back.
const MaxRetryDelay = 24 * time.Hour

// The words of a queue's table.
const (
	wordPut      = iota // items ever put
	wordTaken           // of them, those that have been taken off the log
	wordDone            // those that are done
	wordLeased          // those that are leased now
	wordReturned        // those that are back from a lease, and wait in its row
	wordClosed          // 1: no more are put
	wordMax             // how many may wait; 0: any number
	wordHead            // where in the log the first that waits stands
	wordTail            // where in the log the next one is put
	wordRubbish         // the segment that has just become of no use, from 1; 0: none
	wordLooked          // when somebody last looked whether all with a lease live, in ns
	wordReleased        // the long item that has just become of no use, from 1; 0: none
	wordLinking         // the long item whose file is given its name, from 1; 0: none
	wordDelayed         // of those that are back, those that wait for their time
	wordDue             // when the first of them may be given out, in ns since 1970
	wordAckTail         // where the next ack is written
	wordNamed           // how many files of its directory have been given a name
)

// A row is an item on lease, or back from one:
//
//	0  0 free, shm.RowHeld leased, 2 returned
//	1  its number, from 0
//	2  where in the log it stands
//	3  how often it has been leased, and above it (delayShift) the delay of a retry, in ms
//	4  its length, and above it longItem if it is a file of its own
//	5  who has it (shm.Row); of one that is back: 0 if it was put back, else who died with it
//	6  likewise; of one that is back: when it may be given out, in ns since 1970; 0: now
//	7  likewise
const (
	rowReturned = 2
	longItem    = 1 << 62
	delayShift  = 32
)

// The bells of a queue's table.
const (
	bellItem = iota // there is an item, or the end
	bellRoom
	bellDone // all is done
)

// maxLeases is how many items may be leased at a time.
const maxLeases = 1024

// Object returns the queue as a shared object.
func (q *Queue) Object() *shm.Object { return q.t.Object }

// Place returns the directory that the queue is kept in.
func (q *Queue) Place() string { return q.t.In().Path() }

// KeptIn reports whether the queue is kept in the directory at path.
func (q *Queue) KeptIn(path string) bool { return q.t.In().Is(path) }

// Close closes this process's side of the queue; the queue stays as it is.
func (q *Queue) Close() error {
	q.logs.close()
	return q.t.Close()
}

// A QueueState is how a queue is.
type QueueState struct {
	Waiting    int // items that may be had
	Leased     int
	Unfinished int // items that are not done
	Most       int // how many may wait; 0: any number
	Closed     bool
}

// Full reports whether a put would wait.
func (s *QueueState) Full() bool { return s.Most > 0 && s.Waiting >= s.Most }

// State returns how the queue is. What the dead have on lease is back first: nobody may
// come to want it.
func (q *Queue) State() (s QueueState, err error) {
	for again := true; again && err == nil; {
		err = q.change(q.t.Patience(), func(c *shm.Change) error {
			again = reclaim(c, c.Dead)
			s = stateOf(&c.Words)
			return nil
		})
	}
	return s, err
}

func stateOf(w *[shm.TableWords]uint64) QueueState {
	return QueueState{
		Waiting: int(w[wordPut] - w[wordTaken] + w[wordReturned]), Leased: int(w[wordLeased]),
		Unfinished: int(w[wordPut] - w[wordDone]), Most: int(w[wordMax]), Closed: w[wordClosed] != 0,
	}
}

// SetClosed says that no more is put: who waits for an item gets io.EOF when all
// have been had, and nobody may give one back.
func (q *Queue) SetClosed() error {
	err := q.acknowledge(ackClosed, func(c *shm.Change) error {
		c.Words[wordClosed] = 1
		return nil
	})
	return errors.Join(err, q.t.Ring(bellItem, everybody), q.t.Ring(bellRoom, everybody))
}

const everybody = 1 << 30

// TaskDone says that an item that was taken is done. ErrTooManyDone: none is that is
// not.
func (q *Queue) TaskDone() error {
	return q.acknowledge(ackTold, func(c *shm.Change) error {
		s := stateOf(&c.Words)
		if s.Unfinished-s.Waiting-s.Leased <= 0 {
			return ErrTooManyDone
		}
		c.Words[wordDone]++
		return nil
	})
}

// acknowledge makes the change f, and writes it down as ack, and through.
func (q *Queue) acknowledge(ack uint32, f func(*shm.Change) error) error {
	failures, to := q.failures(), uint64(0)
	err := q.change(q.t.Patience(), func(c *shm.Change) error {
		first := c.Words
		if err := f(c); err != nil {
			return err
		}
		last := c.Words
		c.Words = first
		if err := q.ack(c, ack, 0, 0); err != nil {
			return err
		}
		to = c.Words[wordAckTail]
		c.Words = last
		c.Words[wordAckTail] = to
		return nil
	})
	if err != nil {
		return err
	}
	return q.through(q.ackStream(), to, failures)
}

// Join waits until all items that were put are done. shm.ErrTimeout: w was over
// first.
func (q *Queue) Join(w shm.Wait) error {
	done := func() bool {
		n := q.t.Word(wordDone) // first: it never passes the other
		return n == q.t.Word(wordPut)
	}
	for {
		if err := q.t.Await(bellDone, w, done); err != nil {
			return err
		}
		if s, err := q.State(); err != nil || s.Unfinished == 0 {
			return err
		}
	}
}
