package pool

import (
	"time"

	"mpx/internal/proc"
)

// A right is why a worker may run a task under make's jobserver. Workers take
// and give tokens themselves, see the worker's tokens: whichever of the two is
// killed, the other gives the token back.
type right uint8

const (
	none     right = iota
	wanting        // it has been told to take a token, and has not got one
	holding        // it holds a token
	implicit       // it has the job that make has started this process for
)

// holdTime is how long a worker may keep a token from task to task before
// others are given a chance to take it.
const holdTime = 250 * time.Millisecond

// entitled returns an idle worker that has a right to run a task. If there is
// none, an idle one is told to get it, one at a time: nobody takes tokens for
// work that another does meanwhile.
func (s *scheduler) entitled(now time.Time) *worker {
	wanted, free := false, true // whether one is wanted; whether the implicit job is
	for _, w := range s.workers {
		idle := w.outstanding == 0 && w.takes()
		switch {
		case w.right == holding && idle && now.Sub(w.since) > holdTime:
			s.drop(w)
		case (w.right == holding || w.right == implicit) && (idle || w.starves && w.takes()):
			return w
		}
		wanted = wanted || w.right == wanting
		free = free && (w.right != implicit || w.retiring && w.outstanding == 0)
	}
	if wanted {
		return nil
	}
	w := s.idle()
	if w == nil {
		return nil
	}
	if free {
		w.right = implicit
		return w
	}
	s.token++
	w.right, w.token = wanting, s.token
	w.post(message{token: w.token})
	return nil
}

// got takes in that w holds the token it was told to take.
func (s *scheduler) got(w *worker, number uint32) {
	if w.right == wanting && w.token == number {
		w.right, w.since = holding, time.Now()
	}
}

func (s *scheduler) drop(w *worker) {
	w.right = none
	w.post(message{drop: true})
}

// dropTokens gives back what no task needs.
func (s *scheduler) dropTokens() {
	for _, w := range s.workers {
		if w.right == wanting || w.right == holding && w.outstanding == 0 {
			s.drop(w)
		}
	}
}

// returnToken gives back the token of a worker that was killed with it.
func (w *worker) returnToken() {
	if _, held := w.board.Token(); !held {
		return
	}
	server, err := proc.OpenJobserver(w.p.cfg.Jobserver)
	if err == nil {
		err = w.board.ReturnToken(server.Give)
		server.Close()
	}
	if err != nil {
		w.p.notice("a token of make's jobserver could not be given back: "+err.Error(), "")
	}
}
