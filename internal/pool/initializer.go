package pool

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"mpx/internal/shm"
	"mpx/internal/task"
)

// saidKept is how many bytes of what an initializer prints are kept and shown:
// the last ones, which say why it failed.
const saidKept = 16 << 10

// said is what an initializer has printed.
type said struct {
	end  []byte // its end, up to twice saidKept
	size int64  // of all
}

func (s *said) add(p []byte) {
	s.size += int64(len(p))
	p = p[max(0, len(p)-saidKept):]
	if len(s.end)+len(p) > 2*saidKept {
		s.end = append(s.end[:0], s.end[len(s.end)-saidKept:]...)
	}
	s.end = append(s.end, p...)
}

// text is what is shown of it: whole lines, if it has lines.
func (s *said) text() string {
	end := s.end[max(0, len(s.end)-saidKept):]
	if int64(len(end)) == s.size {
		return string(end)
	}
	if _, rest, found := bytes.Cut(end, []byte{'\n'}); found && len(rest) >= saidKept/2 {
		end = rest
	}
	return fmt.Sprintf("(%d bytes before this are not shown)\n%s", s.size-int64(len(end)), end)
}

// initialized takes in the end of the initializer, or of a shell that did not
// even come to its first task.
func (w *worker) initialized(e *reported, r task.Result) error {
	before, err := r.Stderr.Tail(saidKept)
	text := string(before) + w.said.text()
	w.said = said{}
	r.Release()
	if err != nil {
		w.p.fail(err)
	}
	if r.Status == task.Cancelled {
		return nil
	}
	if r.Status == task.OK || r.Exit == 0 && r.Signal == 0 {
		if text != "" {
			w.p.notice("initializer: "+text, "")
		}
		e.starts, e.ready = true, !w.p.cfg.tellsWarm()
		return nil
	}
	e.badInit, w.why = &badInit{r.Exit, r.Signal, r.Note, text}, "its initializer failed"
	return nil
}

// A badInit is an initializer that has failed.
type badInit struct {
	exit, signal int
	note, said   string
}

// initFailed handles one: three in a row are the end.
func (s *scheduler) initFailed(b *badInit) {
	if s.inits++; s.inits < initTries || s.stopped {
		return
	}
	how := fmt.Sprintf("exit status %d", b.exit)
	if b.signal != 0 {
		how = fmt.Sprintf("signal %d", b.signal)
	}
	what := "the initializer"
	if len(s.p.cfg.Initializer) == 0 {
		what = "the shell of workers"
	}
	msg := fmt.Sprintf("%s failed %d times in a row (%s)", what, initTries, how)
	if b.note != "" {
		msg += ": " + b.note
	}
	if text := strings.TrimRight(b.said, "\n"); text != "" {
		msg += ":\n" + text
	}
	s.p.fail(errors.New(msg))
}

// InitPatience is when an initializer is taken to hang. It is not ended for that:
// --timeout is for tasks, and who loads gigabytes knows. Only tests set it.
var InitPatience = 10 * time.Second

// checkInitializers looks for initializers that hang.
func (s *scheduler) checkInitializers(now time.Time) {
	if len(s.p.cfg.Initializer) == 0 {
		return
	}
	for _, w := range s.workers {
		if w.useful || w.dismissed {
			continue
		}
		since, runs := w.initializing()
		if !runs {
			since = now
		}
		if at := since.Add(InitPatience); at.After(now) {
			s.wake(at)
		} else {
			s.hangs(w)
		}
	}
}

// hangs handles a worker whose initializer hangs: the user is told, once, and its
// tasks are for others. When there are none, it is not waited for.
func (s *scheduler) hangs(w *worker) {
	w.stuck = true
	if !s.slow {
		s.slow = true
		s.p.notice(fmt.Sprintf("the initializer of %s has been running for %v", w.name(), InitPatience),
			"it has no time limit, as --timeout is for tasks; ^C ends it")
	}
	switch {
	case w.outstanding > 0 && !w.recalled:
		w.recalled = true
		w.post(message{recall: w.outstanding})
	case w.outstanding == 0 && w.retiring:
		w.dismissed = true
		w.post(message{stop: syscall.SIGTERM, grace: s.p.cfg.Grace})
	}
}

// initializing returns since when w has been running its initializer, if it does
// so now.
func (w *worker) initializing() (since time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started || w.gone || w.board.State.Load() != shm.Busy || w.board.Seq.Load() != 0 {
		return since, false
	}
	return time.Unix(0, int64(w.board.Start.Load())), true
}
