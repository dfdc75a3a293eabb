package report

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"mpx/internal/task"
)

// ProgressMode is how a run shows how far it is.
type ProgressMode uint8

// The progress modes.
const (
	ProgressNever ProgressMode = iota
	ProgressQuiet              // nothing but the summary, if the run was long
	ProgressPlain              // a line every ten seconds, and the summary
	ProgressLine               // one line, drawn anew; the summary, if the run was long
)

// A State is what a run is doing, as its pool tells.
type State struct {
	Total   uint64 // all that there are; 0: not known
	Running []task.Running
}

// ProgressOptions say how progress is shown.
type ProgressOptions struct {
	Mode   ProgressMode
	Width  func() int  // columns of the terminal, asked for each line
	May    func() bool // whether the line may be drawn now: we are in the foreground
	Colour bool
	// State returns what the run is doing. It is called without the Report's
	// lock.
	State func() State
}

const (
	drawPause  = 100 * time.Millisecond // at least, between two lines that are drawn
	drawFirst  = 300 * time.Millisecond // before the first: short runs show none
	plainPause = 10 * time.Second
	longRun    = time.Second // from here on the summary is worth a line

	// HideProgress looks so often, so far apart, whether nobody writes.
	hideTries = 50
	hidePause = time.Millisecond
)

// A progress is how far a run is, and the line that shows it. The Report's lock
// guards it.
type progress struct {
	o     ProgressOptions
	w     io.Writer
	start time.Time
	rate  rate
	state State       // as last asked for
	drawn time.Time   // when the line was drawn last; zero: never
	shown bool        // the line is on the screen
	off   atomic.Bool // it must not be: mpx is stopped, or has ended

	ended, failed int // tasks with an outcome, whether or not their turn has come
	before        int // of ended: done by an earlier run

	stop chan struct{}
	done chan struct{}
}

// StartProgress begins to show progress, until Close.
func (r *Report) StartProgress(o ProgressOptions) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.progress
	p.o = o
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	switch o.Mode {
	case ProgressLine:
		go r.showProgress(drawFirst, drawPause, r.draw)
	case ProgressPlain:
		go r.showProgress(plainPause, plainPause, func(s State) { r.say(r.progressText(s)) })
	default:
		close(p.done)
	}
}

// showProgress calls show every pause, in a goroutine of its own.
func (r *Report) showProgress(first, pause time.Duration, show func(State)) {
	p := r.progress
	defer close(p.done)
	t := time.NewTimer(first)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
		}
		s := p.o.State()
		r.mu.Lock()
		p.state = s
		p.rate.add(time.Now(), p.ended-p.before)
		wait := pause - time.Since(p.drawn)
		if wait <= 0 {
			show(s)
			wait = pause
		}
		r.mu.Unlock()
		t.Reset(wait)
	}
}

// endProgress takes the line away for good.
func (r *Report) endProgress() {
	p := r.progress
	if p.stop == nil {
		return
	}
	close(p.stop)
	r.mu.Unlock()
	<-p.done
	r.mu.Lock()
	p.stop = nil
	p.erase()
	p.off.Store(true)
}

// HideProgress takes the line away until ShowProgress, for a while in which the
// terminal is another's. It waits for no reader that does not read: whoever
// writes has taken the line away.
func (r *Report) HideProgress() {
	r.progress.off.Store(true)
	for range hideTries {
		if r.mu.TryLock() {
			r.progress.erase()
			r.mu.Unlock()
			return
		}
		time.Sleep(hidePause)
	}
}

// ShowProgress lets the line come back.
func (r *Report) ShowProgress() { r.progress.off.Store(false) }

// note takes in an outcome.
func (p *progress) note(res *task.Result) {
	p.ended += res.N()
	switch res.Status {
	case task.OK, task.Skipped, task.Cancelled:
		if res.Before {
			p.before++
		}
	default:
		p.failed++
	}
}

// erase takes the line off the screen, before anything else is written there.
func (p *progress) erase() {
	if p.shown {
		p.shown = false
		_, _ = io.WriteString(p.w, "\r\x1b[K")
	}
}

// redraw brings the line back after output, unless that would be too often: then
// it comes back by itself.
func (r *Report) redraw() {
	if p := r.progress; !p.shown && !p.drawn.IsZero() && time.Since(p.drawn) >= drawPause {
		r.draw(p.state)
	}
}

// draw shows the line. It never joins a line of the tasks' output: where one is
// not ended, there is no place for another.
func (r *Report) draw(s State) {
	p := r.progress
	if p.off.Load() || !p.o.May() {
		return
	}
	r.out.flush()
	r.err.flush()
	if p == r.out.progress && !r.out.bol || !r.err.bol {
		return
	}
	line := fit(r.progressParts(s), max(p.o.Width()-1, 1), p.o.Colour)
	p.shown, p.drawn = true, time.Now()
	_, _ = io.WriteString(p.w, "\r"+line+"\x1b[K")
}

// Status prints what the run is doing: how far it is, and each task that runs.
func (r *Report) Status() {
	p := r.progress
	s := p.o.State()
	r.mu.Lock()
	defer r.mu.Unlock()
	p.rate.add(time.Now(), p.ended-p.before)
	r.say(r.progressText(s))
	const most = 100
	for i := range s.Running[:min(len(s.Running), most)] {
		t := &s.Running[i]
		where := ""
		if t.Slot > 0 {
			where = fmt.Sprintf("slot %d  mpx-worker-%d  ", t.Slot, t.Worker)
		}
		r.say(fmt.Sprintf("  %s  %stask %d: %s", shortSpan(time.Since(t.Start)), where, t.Task.Seq, r.commandOf(t)))
	}
	if more := len(s.Running) - most; more > 0 {
		r.say(fmt.Sprintf("  and %s more", commas(more)))
	}
}

func (r *Report) progressText(s State) string {
	var texts []string
	for _, part := range r.progressParts(s) {
		texts = append(texts, part.text)
	}
	return strings.TrimPrefix(strings.Join(texts, ""), "mpx: ")
}

// commandOf returns t's command for people.
func (r *Report) commandOf(t *task.Running) string {
	return r.display(&task.Result{Task: t.Task, Slot: t.Slot})
}
