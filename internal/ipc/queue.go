package ipc

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

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
	t    *shm.Table
	logs logs
}

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
)

// A row is an item on lease, or back from one:
//
//	0  0 free, shm.RowHeld leased, 2 returned
//	1  its number, from 0
//	2  where in the log it stands
//	3  how often it has been leased
//	4  its length, and above it longItem if it is a file of its own
//	5  who has it (shm.Row)
const (
	rowReturned = 2
	longItem    = 1 << 62
)

// The bells of a queue's table.
const (
	bellItem = iota // there is an item, or the end
	bellRoom
	bellDone // all is done
)

// maxLeases is how many items may be leased at a time.
const maxLeases = 1024

// MakeQueue makes the queue name, in which at most so many items wait; 0: any
// number. One that is to last is kept in directory place, and is as good when the
// machine has started again; "": it is in memory.
func MakeQueue(d *shm.Dir, name string, most int, place string) (*Queue, error) {
	q, err := OpenQueue(d, name)
	var gone *GoneError
	switch {
	case err == nil:
		q.Close()
		return nil, shm.ErrExists
	case errors.As(err, &gone) && isPath(place, gone.Place): // it is to be there again
	case !errors.Is(err, shm.ErrNotExist):
		return nil, err
	}
	words := [shm.TableWords]uint64{wordMax: uint64(most)}
	if place == "" {
		t, err := d.MakeTable(name, shm.KindQueue, maxLeases, words, "", false)
		if err != nil {
			return nil, err
		}
		q = newQueue(t)
		return q, q.tidied()
	}
	there, err := shm.OpenDir(place)
	if err != nil {
		return nil, err
	}
	if there.Is(d.Path()) {
		return nil, ErrPlace
	}
	// First what lasts: one that is there goes on.
	t, err := there.MakeTable(name, shm.KindQueue, maxLeases, words, "", true)
	if errors.Is(err, shm.ErrExists) {
		t, err = there.OpenTable(name, shm.KindQueue, revived)
	}
	if err != nil {
		return nil, fmt.Errorf("in %s: %w", there.Path(), err)
	}
	if gone == nil {
		link, err := d.MakeTable(name, shm.KindQueue, 0, words, there.Path(), false)
		if err != nil {
			t.Close()
			return nil, err
		}
		link.Close()
	}
	q = newQueue(t)
	return q, q.tidied()
}

// isPath reports whether a path that the user has given is path.
func isPath(given, path string) bool {
	abs, err := filepath.Abs(given)
	return given != "" && err == nil && abs == path
}

// A GoneError says that a queue is not where it is kept: its disk is not there now, or it
// has been removed by other means. Which of them cannot be told, so its name stays.
type GoneError struct{ Place string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("it is kept in %s, and is not there now", e.Place)
}

// Hint returns the remedy.
func (e *GoneError) Hint() string {
	return "mount what belongs there; if the queue has been removed, mpx rm takes its name away, too"
}

// tidied removes what another queue of the name has left, and makes room for this
// one's log.
func (q *Queue) tidied() error {
	err := q.t.Tidy()
	if err != nil {
		q.Close()
	}
	return err
}

// OpenQueue opens the queue name. shm.ErrNotExist: there is none. A *GoneError: it is not
// where it is kept.
func OpenQueue(d *shm.Dir, name string) (*Queue, error) {
	t, err := d.OpenTable(name, shm.KindQueue, revived)
	if err != nil {
		return nil, err
	}
	there, err := t.Far()
	if err == nil && there == nil {
		return newQueue(t), nil
	}
	defer t.Close()
	var far *shm.Table
	if err == nil {
		far, err = there.OpenTable(name, shm.KindQueue, revived)
	}
	switch {
	case errors.Is(err, shm.ErrNotExist):
		place, err := t.Text()
		return nil, cmp.Or(err, error(&GoneError{place}))
	case err != nil:
		return nil, fmt.Errorf("where it is kept: %w", err)
	}
	return newQueue(far), nil
}

func newQueue(t *shm.Table) *Queue { return &Queue{t: t, logs: logs{dir: t.Side()}} }

// revived takes back what was leased before the machine started again.
func revived(c *shm.Change) bool {
	return reclaim(c, func(*shm.Row) bool { return true })
}

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
	err := q.t.Change(q.t.Patience(), func(c *shm.Change) error {
		c.Words[wordClosed] = 1
		return nil
	})
	return errors.Join(err, q.t.Ring(bellItem, everybody), q.t.Ring(bellRoom, everybody))
}

const everybody = 1 << 30

// TaskDone says that an item that was taken is done. ErrTooManyDone: none is that is
// not.
func (q *Queue) TaskDone() error {
	return q.change(q.t.Patience(), func(c *shm.Change) error {
		s := stateOf(&c.Words)
		if s.Unfinished-s.Waiting-s.Leased <= 0 {
			return ErrTooManyDone
		}
		c.Words[wordDone]++
		return nil
	})
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
