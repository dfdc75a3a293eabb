package pool

import (
	"fmt"
	"time"

	"mpx/internal/proc"
)

// How often in a row something may fail before the pool gives up.
const (
	initTries   = 3
	launchTries = 3
	killTries   = 30 // of workers that somebody kills: they could be started
	noRoomTries = 20
	noRoomPause = 100 * time.Millisecond
)

// trouble counts what goes wrong in a row, and remembers what was said of it.
type trouble struct {
	launches int  // workers that came to nothing, in a row
	inits    int  // initializers that failed, in a row
	deaths   int  // filters that died without a reply, in a row
	noRooms  int  // tasks that could not be started, with one worker left
	waiting  bool // starting is put off for a moment
	slow     bool // the user knows of an initializer that takes long
	shrunk   bool // the user knows that the pool has shrunk
}

// started: a worker has done something, so what went wrong before has passed.
func (t *trouble) started() { t.launches, t.inits, t.deaths = 0, 0, 0 }

// launchFailed handles a worker that did not come to life. For want of room the
// pool shrinks to what fits; for another reason it tries again, a few times.
func (s *scheduler) launchFailed(e died, heir bool) {
	if heir {
		s.heirFailed(e)
		return
	}
	s.launches++
	tries := launchTries
	if e.killed {
		tries = killTries
	}
	if len(s.workers) > 0 && (s.launches >= tries || proc.OutOfResources(e.how)) {
		s.shrink(len(s.workers), e.how.Error())
	}
	if len(s.workers) == 0 && s.launches >= tries {
		s.p.fail(fmt.Errorf("no worker can be started: %w", e.how))
	}
}

// noRoom handles a task whose process could not be started: a worker fewer, first
// one without a task, leaves more room. The last worker tries for a while.
func (s *scheduler) noRoom(why string) {
	if s.dropHeirs() {
		s.catchBreath()
		return
	}
	if s.slots.used > 1 {
		s.noRooms = 0
		s.shrink(s.slots.used-1, why)
		return
	}
	if s.noRooms++; s.noRooms >= noRoomTries {
		s.p.fail(fmt.Errorf("no process can be started: %s", why))
		return
	}
	s.catchBreath()
}

// catchBreath starts no worker for a moment.
func (s *scheduler) catchBreath() {
	p := s.p
	s.waiting = true
	time.AfterFunc(noRoomPause, func() { p.send(retrying{}) })
}

// shrink lowers the number of workers to n, and says so once.
func (s *scheduler) shrink(n int, why string) {
	s.limit = max(1, min(s.limit, n))
	s.dropHeirs()
	if s.shrunk {
		return
	}
	s.shrunk = true
	s.p.notice(fmt.Sprintf("there is no room for all the workers asked for: %s", why),
		"fewer jobs (-j), or higher limits: ulimit -n (files), ulimit -u (processes)")
}
