package shm

import (
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// awaitListed waits as await does. If it really has to wait, mpx ls shows it
// meanwhile. The list is for people, so nothing may depend on it: who finds the
// guard taken or no room waits all the same, and tries again later and later.
func (o *Object) awaitListed(word *atomic.Uint32, w Wait, done func() bool) error {
	err := o.await(word, WaitFor(0), done)
	at, pause := -1, time.Millisecond
	for errors.Is(err, ErrTimeout) {
		if _, over := w.left(); over {
			break
		}
		if at < 0 {
			at = o.list()
		}
		if at >= 0 {
			pause = recheck
		}
		err = o.await(word, w.atMost(pause), done)
		pause = min(2*pause, recheck)
	}
	if at >= 0 {
		_ = o.touching(func() error { o.leave(at); return nil }) // an error: there is no list any more
	}
	return err
}

// list enters this process among those who wait, and returns its place; -1: it is
// not listed.
func (o *Object) list() (at int) {
	at = -1
	_ = o.ifUnguarded(func() error { at = o.enter(unix.Getpid(), Waits, 0); return nil })
	return at
}
