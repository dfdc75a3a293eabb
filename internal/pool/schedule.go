package pool

import (
	"fmt"
	"io"
	"slices"
	"time"

	"mpx/internal/task"
)

// A scheduler decides which worker runs what. Everything in it belongs to the
// one goroutine of run.
type scheduler struct {
	p       *Pool
	streams []*Stream
	queue   queue
	later   waitingItems // tasks that wait before they run again
	seq     uint64       // the last task number given
	workers []*worker
	started int     // workers ever started
	token   uint32  // the number of the last TOKEN
	slots   slots   // job slots
	limit   int     // how many workers may be; shrinks to what fits
	mean    float64 // run time of a task in seconds, smoothed; 0: unknown
	closing bool
	stopped bool            // nothing more is started
	halted  bool            // Config.Halt has been reached
	alarm   time.Time       // when waking is due; zero: it is not
	timer   *time.Timer     // of alarm; nil: there was none yet
	held    bool            // paused: nothing is started until Resume
	pausing []chan struct{} // to be closed when every worker has paused
	warmers []chan struct{} // to be closed when a worker has been initialized
	dropped bool            // there may be tasks that nobody wants any more
	tally   Tally
	gate
	median
	trouble
	filters
	heirs
}

func newScheduler(p *Pool) *scheduler {
	s := &scheduler{p: p, limit: p.cfg.Jobs}
	s.least = 2 * p.cfg.Inflight // as many wait as are at work
	if s.limit == 0 {
		s.limit = 1 << 20
	}
	return s
}

// run is the scheduler's life:
// take in what has happened; then drop what nobody wants, retire workers, hand out
// tasks, start workers, or take tasks back from one that has too many; then end what is
// over. It ends when the pool is closed and the last worker is gone.
func (s *scheduler) run() {
	defer close(s.p.ended)
	defer s.p.groups.Close()
	for {
		s.handle(<-s.p.events)
		for more := true; more; { // all that waits, before deciding once
			select {
			case e := <-s.p.events:
				s.handle(e)
			default:
				more = false
			}
		}
		s.ripen()
		s.forsake()
		s.recycle()
		s.dispatch()
		s.prepare()
		s.warm()
		s.endStreams()
		if s.closing && len(s.streams) == 0 {
			s.retireAll()
			if len(s.workers) == 0 {
				return
			}
		}
	}
}

func (s *scheduler) handle(e event) {
	switch e := e.(type) {
	case opening:
		s.streams = append(s.streams, e.s)
		if s.stopped || s.halted {
			e.s.stop()
		}
	case arriving:
		s.arrive(e)
	case closing:
		s.closing = true
	case stopping:
		s.stop(e.sig, e.grace)
	case pausing:
		s.pause(e.done)
	case resuming:
		s.resume()
	case overdue:
		s.killAll()
	case retrying:
		s.waiting = false
	case waking:
		s.alarm = time.Time{}
		s.checkInitializers(time.Now())
	case warming:
		s.warmers = append(s.warmers, e.done)
	case dropping:
		s.dropped = true
	case asking:
		e.reply <- s.status()
	case reported:
		s.report(e)
	case died:
		s.bury(e)
	default:
		panic(fmt.Sprintf("bug: event %T", e))
	}
}

// arrive queues what a source has yielded.
func (s *scheduler) arrive(e arriving) {
	if e.err != nil {
		e.s.open = false
		if e.err != io.EOF {
			e.s.fault = e.err
		}
	}
	for i := range e.tasks {
		t := &e.tasks[i]
		t.Seq, t.Index = s.seq+1, e.s.index
		s.seq += uint64(t.N())
		e.s.index += uint64(t.N())
		e.s.tasks += t.N()
		if !t.Before {
			t.Attempt = 1
			for _, it := range s.wanted([]item{{Task: *t, s: e.s}}) {
				s.queue.push(it)
			}
			continue
		}
		r := result{item{s: e.s}, task.Result{Task: *t, Status: task.Skipped}}
		s.watch(task.Event{Kind: task.TaskEnd, Result: &r.r})
		s.deliver([]result{r})
	}
	if s.stopped || s.halted {
		s.cancelQueue()
	}
}

// report takes in what a worker has said.
func (s *scheduler) report(e reported) {
	w := e.w
	if e.starts || len(e.results) > 0 {
		w.useful, w.stuck, w.starves = true, false, false
		w.replied = w.replied || len(e.results) > 0
		s.trouble.started()
	}
	if e.badInit != nil {
		s.initFailed(e.badInit)
	}
	if e.born {
		s.watchBorn(w)
	}
	if e.ready {
		s.warmed(w)
	}
	s.begun(w, e.began)
	s.got(w, e.token)
	w.outstanding -= tasksOf(e.results) + count(e.back)
	s.progress(w, &e)
	s.account(e.results)
	holds := s.holdsWorker(e.results)
	s.deliver(s.settle(e.results))
	if holds && !s.halted && !s.stopped {
		w.post(message{proceed: true})
	}
	if e.starved {
		s.starved(w)
	}
	if e.worn > 0 {
		s.worn(w, e.worn)
	}
	if (s.halted || w.reason == reasonAge) && e.recall && len(e.back) > 0 { // it gives back a part at a time
		w.post(message{recall: w.outstanding})
	}
	w.recalled = w.recalled && !e.recall
	s.takeBack(e.back)
	if len(e.back) > 0 { // there may be more where that came from
		s.recallUnwanted(w)
	}
	if e.recall && w.stuck {
		s.hangs(w)
	}
	if e.noStart != nil {
		w.outstanding--
		s.takeBack([]item{*e.noStart})
		s.noRoom(e.why)
	}
	if w.outstanding == 0 && w.retiring {
		s.slots.free(w)
	}
	if e.paused {
		w.pausing = false
		s.checkPaused()
	}
}

// deliver hands results to their streams, in runs.
func (s *scheduler) deliver(results []result) {
	for len(results) > 0 {
		n := 1
		for n < len(results) && results[n].it.s == results[0].it.s {
			n++
		}
		batch := make([]task.Result, n)
		for i := range batch {
			batch[i] = results[i].r
		}
		results[0].it.s.deliver(batch)
		results = results[n:]
	}
}

// account learns from the run times of results.
func (s *scheduler) account(results []result) {
	for i := range results {
		n := results[i].r.N()
		sec := results[i].r.Elapsed.Seconds() / float64(n)
		if s.mean == 0 {
			s.mean = sec
		}
		s.mean += (sec - s.mean) * min(float64(n)/16, 1)
		s.noRooms = 0
		if s.p.cfg.TimeoutPercent > 0 && results[i].r.Status == task.OK {
			s.learn(sec)
		}
	}
	if s.p.cfg.TimeoutPercent > 0 {
		s.setLimit()
	}
}

// takeBack queues items again, before those that have never been handed out.
func (s *scheduler) takeBack(items []item) {
	if s.stopped || s.halted {
		s.cancel(items)
		return
	}
	s.queue.unshift(s.wanted(items))
}

// bury takes in that a worker is gone.
func (s *scheduler) bury(e died) {
	heir := e.w.elder != nil
	s.slots.free(e.w)
	s.workers = slices.DeleteFunc(s.workers, func(w *worker) bool { return w == e.w })
	back := append(e.back, e.w.takeInflight()...) // handed to it since it ended
	if e.lost != nil {
		s.lose(e)
	}
	s.takeBack(back)
	if e.how != nil && e.lost == nil && !e.w.useful && !s.stopped {
		s.launchFailed(e, heir)
	}
	s.judge(e)
	switch {
	case e.how != nil:
		s.filterDied(e)
		s.watchWorker(task.WorkerDie, e.w, e.how.Error())
	case !e.w.retiring:
		s.watchWorker(task.WorkerRetire, e.w, e.why)
	}
	s.checkPaused()
}

// endStreams ends the streams that have all their results.
func (s *scheduler) endStreams() {
	s.streams = slices.DeleteFunc(s.streams, func(st *Stream) bool { return st.finish(s.failure()) })
}

// wake has the scheduler look again at a time.
func (s *scheduler) wake(at time.Time) {
	if s.alarm.IsZero() || at.Before(s.alarm) {
		s.alarm = at
		p := s.p
		if s.timer == nil {
			s.timer = time.AfterFunc(time.Until(at), func() { p.send(waking{}) })
		} else {
			s.timer.Reset(time.Until(at))
		}
	}
}

// begun tells of tasks that have begun.
func (s *scheduler) begun(w *worker, began []result) {
	for i := range began {
		r := &began[i].r
		w.told = attempt{r.Seq, r.Attempt}
		s.watch(task.Event{Kind: task.TaskStart, Result: r, Worker: r.Worker, Slot: r.Slot})
	}
}

// failure is what streams end with before their time.
func (s *scheduler) failure() error {
	if err := s.p.Err(); err != nil {
		return err
	}
	if s.stopped {
		return ErrTerminated
	}
	return nil
}
