package ipc

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mpx/internal/shm"
)

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
	case errors.As(err, &gone) && isMissing(place, gone.Place): // it is to be there again
	case !errors.Is(err, shm.ErrNotExist):
		return nil, err
	}
	words := [shm.TableWords]uint64{wordMax: uint64(most)}
	if place == "" {
		t, err := d.MakeTable(name, shm.KindQueue, maxLeases, words, "")
		if err != nil {
			return nil, err
		}
		q = newQueue(t)
		return q, q.tidied()
	}
	if q, err = makeLasting(d, name, words, place); err != nil {
		return nil, err
	}
	if gone == nil {
		link, err := d.MakeTable(name, shm.KindQueue, 0, words, q.Place())
		if err != nil {
			q.Close()
			return nil, err
		}
		link.Close()
	}
	return q, q.tidied()
}

// isMissing reports whether a path that the user has given is path, and nothing is there:
// an empty directory may be one that a disk belongs on.
func isMissing(given, path string) bool {
	abs, err := filepath.Abs(given)
	if given == "" || err != nil || abs != path {
		return false
	}
	_, err = os.Lstat(abs)
	return errors.Is(err, os.ErrNotExist)
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

// makeLasting makes, in place, a queue that is to last. One that is there goes on.
func makeLasting(d *shm.Dir, name string, words [shm.TableWords]uint64, place string) (*Queue, error) {
	there, err := shm.OpenDir(place)
	if err != nil {
		return nil, err
	}
	if there.Is(d.Path()) {
		return nil, ErrPlace
	}
	if err := onDisk.syncDir(filepath.Dir(there.Path())); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("write the directory above through: %w", err)
	}
	h := &had{most: words[wordMax]}
	words[wordAckTail] = uint64(len(h.append(&logs{}, 0)))
	words[wordRubbish] = 0
	// First what lasts: one that is there goes on.
	t, err := there.MakeLastingTable(name, shm.KindQueue, maxLeases, words, func(t *shm.Table) error {
		l := logsOf(t)
		defer l.close()
		_, err := l.beginAcks(0, h)
		if err == nil {
			err = onDisk.sync(l.acks.f)
		}
		if err == nil {
			err = onDisk.syncDir(l.dir)
		}
		return err
	})
	var q *Queue
	switch {
	case errors.Is(err, shm.ErrExists):
		q, err = openQueue(there, name)
	case err == nil:
		t.RaiseMark(markAcked, words[wordAckTail])
		q = newQueue(t)
	}
	if err != nil {
		return nil, fmt.Errorf("in %s: %w", there.Path(), err)
	}
	return q, nil
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
	q, err := openQueue(d, name)
	if err != nil {
		return nil, err
	}
	there, err := q.t.Far()
	if err == nil && there == nil {
		return q, nil
	}
	defer q.Close()
	var far *Queue
	if err == nil {
		far, err = openQueue(there, name)
	}
	switch {
	case errors.Is(err, shm.ErrNotExist):
		place, err := q.t.Text()
		return nil, cmp.Or(err, error(&GoneError{place}))
	case err != nil:
		return nil, fmt.Errorf("where it is kept: %w", err)
	}
	return far, nil
}

// openQueue opens the queue that is in d, or what stands for it there.
func openQueue(d *shm.Dir, name string) (*Queue, error) {
	var found []*Damage
	t, err := d.OpenTable(name, shm.KindQueue, func(r *shm.Revival) (err error) {
		found, err = revive(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	q := newQueue(t)
	q.untold = found
	return q, nil
}

func newQueue(t *shm.Table) *Queue { return &Queue{t: t, logs: logsOf(t), lasts: t.Lasts()} }

func logsOf(t *shm.Table) logs { return logs{dir: t.Side(), made: uint64(t.Made().UnixNano())} }
