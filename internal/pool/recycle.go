package pool

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// jitterFrom is from how many tasks on Config.MaxTasksPerChild is no exact
	// number.
	jitterFrom = 100
	// reasonAge is why a worker retires that is over Config.MaxWorkerAge.
	reasonAge = "max-worker-age"
)

// A stay is how long a worker stays, and how far it has come. Its bounds are
// drawn for each worker, up to a tenth below those of Config and never above:
// workers that have started together are not to retire together. The fields are
// the scheduler's, but for memory, which never changes.
type stay struct {
	most    int       // tasks that it may run; 0: any number
	memory  int64     // bytes that it may keep from task to task; 0: any number
	expires time.Time // when it is to be retired; zero: never

	begun    time.Time // when it was decided to start it
	ready    bool      // it has told that it is warm: see scheduler.warmed
	answered int       // tasks that it has ended
	turn     time.Time // about when it turned to what it runs; kept if there are heirs
	growth

	heir  *worker // warms up, to have its slot
	elder *worker // whose slot it is to have: until then it gets no task
	tried bool    // it has had an heir: if that came to nothing, there is no second
}

// recycles reports whether workers retire before there are no more tasks.
func (c *Config) recycles() bool {
	return c.MaxTasksPerChild > 0 || c.MaxWorkerMemory > 0 || c.MaxWorkerAge > 0
}

// draw returns the stay of a worker that starts now.
func (c *Config) draw() stay {
	st := stay{most: c.MaxTasksPerChild, begun: time.Now()}
	if st.most >= jitterFrom {
		st.most -= rand.IntN(st.most/10 + 1)
	}
	st.memory = c.MaxWorkerMemory - early(c.MaxWorkerMemory)
	if age := int64(c.MaxWorkerAge); age > 0 {
		st.expires = st.begun.Add(time.Duration(age - early(age)))
	}
	return st
}

// early is up to a tenth of n.
func early(n int64) int64 { return rand.Int64N(n/10 + 1) }

// recycle retires the workers whose time has come, before tasks are handed out.
func (s *scheduler) recycle() {
	if s.p.cfg.MaxWorkerAge > 0 && s.acts() {
		s.expire(time.Now())
	}
}

// prepare starts heirs, after tasks have been handed out.
func (s *scheduler) prepare() {
	if s.p.cfg.heirs() && s.acts() {
		s.raiseHeirs(time.Now())
	}
}

// expire retires the workers that are over their age. What runs there runs to its
// end; what does not run yet is for others. A worker has ended one task before:
// so there is progress however small the age, and with it an heir that warms for
// longer than that is of use.
func (s *scheduler) expire(now time.Time) {
	for _, w := range s.workers {
		switch {
		case w.retiring || w.answered == 0:
		case now.Before(w.expires):
			s.wake(w.expires)
		default:
			if w.outstanding > 0 {
				w.post(message{recall: w.outstanding})
			}
			s.retire(w, reasonAge)
		}
	}
}

// worn retires a worker that says that it has so many bytes in memory. It gives
// back by itself what it has not begun.
func (s *scheduler) worn(w *worker, resident int64) {
	size := fmt.Sprintf("%d MB", resident>>20)
	if resident < 10<<20 {
		size = fmt.Sprintf("%.1f MB", float64(resident)/(1<<20))
	}
	s.retire(w, "max-worker-memory: "+size+" resident")
}

// progress takes in that w has ended tasks, or given them back: those count as
// never handed to it.
func (s *scheduler) progress(w *worker, e *reported) {
	w.given -= count(e.back)
	if len(e.results) == 0 {
		return
	}
	w.answered += tasksOf(e.results)
	w.growth.add(w.answered, e.resident)
	if s.p.cfg.heirs() {
		w.turn = time.Now()
	}
}

// A growth is what a worker's memory has come to since its first tasks.
type growth struct {
	tasks     int   // how many it had ended when the growth began
	from, now int64 // bytes
}

// add takes in the memory after so many tasks; 0: it is not known.
func (g *growth) add(tasks int, resident int64) {
	if g.from == 0 {
		g.tasks, g.from = tasks, resident
	}
	g.now = resident
}

// left returns how many tasks there are to a limit, when there have been so many;
// ok is false while memory does not grow.
func (g *growth) left(tasks int, limit int64) (n float64, ok bool) {
	grown := g.now - g.from
	if limit <= 0 || g.from == 0 || grown <= 0 || tasks <= g.tasks {
		return 0, false
	}
	return float64(max(0, limit-g.now)) * float64(tasks-g.tasks) / float64(grown), true
}
