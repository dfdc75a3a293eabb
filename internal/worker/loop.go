package worker

import (
	"errors"
	"time"

	"mpx/internal/ipc"

	"golang.org/x/sys/unix"
)

// loop is a worker's main loop:
// start the next task if none runs; write what has waited long enough; wait
// for requests, for room in the result pipe and for the task, whichever comes
// first; serve what came. It ends when the worker has retired, or at once, with
// the task's processes, when the supervisor is gone.
func (s *session) loop(r runner) error {
	s.initialize(r)
	if err := s.obeyAll(r); err != nil { // what came together with CONFIG
		return err
	}
	var fds []unix.PollFd
	for {
		if s.leaving && !r.busy() {
			return s.leave(r)
		}
		if s.wear.due {
			s.look(r)
		}
		s.unload()
		if !r.busy() && s.mayStart() && s.out.Room() >= 2*reserve {
			r.start(s.next())
		}
		if !r.busy() && (s.leaving || s.retiring && len(s.queue) == 0 && s.arriving == nil) {
			return s.leave(r)
		}
		err := s.flushDue(r)
		if err == nil {
			fds, err = s.step(r, fds[:0])
		}
		if err == nil {
			err = r.failed()
		}
		if err != nil {
			r.kill()
			return err
		}
	}
}

// A warmer is a runner that can make itself ready before there is a task. What
// fails then fails again, and is told, with the first one.
type warmer interface{ warm() }

// initialize queues the initializer as task 0, before what has already come.
func (s *session) initialize(r runner) {
	if len(s.cfg.Initializer) == 0 {
		if w, ok := r.(warmer); ok {
			w.warm()
		}
		return
	}
	var j job
	j.Attempt = 1
	r.start(&j)
}

// step waits once and serves what came.
func (s *session) step(r runner, fds []unix.PollFd) ([]unix.PollFd, error) {
	fds = append(fds, unix.PollFd{Fd: requestFD, Events: unix.POLLIN}, unix.PollFd{Fd: resultFD})
	fds = s.watchTokens(fds)
	own := len(fds)
	if s.out.Room() >= 2*reserve {
		fds = r.watch(fds) // a filter's may commit
	}
	// Asked once: time passes, and an answer that changed in between would make
	// the wait one without end and without the result pipe.
	held := s.out.Pending() > 0 && s.mayWait(r)
	if s.out.Pending() > 0 && !held {
		fds[1].Events = unix.POLLOUT
	}
	if _, err := r.wait(fds, s.timeout(r, held)); err != nil {
		return fds, err
	}
	if err := s.serve(r, fds[:own]); err != nil {
		return fds, err
	}
	r.ready(fds[own:]) // its clocks run also while its output has to wait
	return fds, nil
}

// serve handles the two pipes and the jobserver. A hang-up counts even with
// requests unread: nobody is left to want their results.
func (s *session) serve(r runner, fds []unix.PollFd) error {
	if fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 || fds[1].Revents&unix.POLLERR != 0 {
		return errSupervisorGone
	}
	if fds[0].Revents&unix.POLLIN != 0 {
		if err := s.read(r); err != nil {
			return err
		}
	}
	if fds[1].Revents&unix.POLLOUT != 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	return s.takeToken(fds[2:])
}

// mayWait reports whether the results at hand may wait for others: more tasks
// are at hand, and neither much nor for long has been held back.
func (s *session) mayWait(r runner) bool {
	return (r.busy() || len(s.queue) > 0) && !s.holding && s.out.Pending() < flushAt && time.Since(s.held) < maxDelay
}

func (s *session) flushDue(r runner) error {
	if s.out.Pending() == 0 || s.mayWait(r) {
		return nil
	}
	return s.flush()
}

// timeout is how long the loop may wait for a descriptor: negative for ever.
// held says whether results wait for others.
func (s *session) timeout(r runner, held bool) time.Duration {
	at := r.deadline()
	if held {
		if f := s.held.Add(maxDelay); at.IsZero() || f.Before(at) {
			at = f
		}
	}
	if at.IsZero() {
		return -1
	}
	return max(0, time.Until(at))
}

// leave says BYE. What still waits here has not started, as BYE tells.
func (s *session) leave(r runner) error {
	r.close()
	s.commit(func(b []byte) []byte { return ipc.AppendEmpty(b, ipc.KindBye) })
	return s.drain()
}

// drain writes all that is committed. The supervisor reads always.
func (s *session) drain() error {
	for {
		if err := s.flush(); err != nil || s.out.Pending() == 0 {
			return err
		}
		fds := []unix.PollFd{{Fd: resultFD, Events: unix.POLLOUT}, {Fd: requestFD}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if fds[1].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
			return errSupervisorGone
		}
	}
}
