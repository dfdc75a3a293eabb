package report

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"mpx/internal/stats"
	"mpx/internal/task"
)

// PageOptions say what a Page tells beyond the results.
type PageOptions struct {
	Title   string // the run's command line
	Version string // mpx's
	Jobs    int    // how many job slots there are
	// Command returns a task's command for people; nil: it is not told.
	Command func(t *task.Task, slot int) string
}

// A Page is a Recorder that shows a run as one HTML file, which needs no other.
// What it holds, and the file, have a bound whatever the number of tasks.
type Page struct {
	o        PageOptions
	f        *os.File
	figures  figures
	times    stats.LogHistogram // seconds of attempts that came to an end
	timeline timeline
	slowest  []pageRow // the longest first
	failed   []pageRow // the first in the order of the output
	room     int       // bytes that are left for what failed tasks said
}

// figures are sums over all attempts that ran.
type figures struct {
	attempts, retried int
	busy              time.Duration // run times together
	usage             task.Usage    // CPU times summed, the greatest MaxRSS
}

// OpenPage returns a Page whose file is path. It is made at once, so that a
// mistake shows before anything runs, and stays empty until Close.
func OpenPage(path string, o PageOptions) (*Page, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make report page: %w", err)
	}
	return &Page{o: o, f: f, room: maxSaid}, nil
}

// Record implements Recorder. Its errors are those of reading a spilled output.
func (p *Page) Record(res *task.Result) error {
	if res.Again {
		p.figures.retried++
	}
	if !res.Start.IsZero() && res.Slot > 0 {
		p.recordRun(res)
	}
	if !res.Again && isFailure(res.Status) && len(p.failed) < maxFailed {
		return p.keepFailed(res)
	}
	return nil
}

// recordRun takes an attempt that ran.
func (p *Page) recordRun(res *task.Result) {
	f := &p.figures
	f.attempts++
	f.busy += res.Elapsed
	if u := &res.Usage; u.Known {
		f.usage.Known = true
		f.usage.User += u.User
		f.usage.System += u.System
		f.usage.MaxRSS = max(f.usage.MaxRSS, u.MaxRSS)
	}
	p.timeline.add(res, p.tip)
	if res.Status != task.Cancelled { // how long it would have run is not known
		p.times.Add(res.Elapsed.Seconds())
		p.keepSlow(res)
	}
}

func isFailure(s task.Status) bool {
	switch s {
	case task.Failed, task.Signalled, task.TimedOut, task.Lost:
		return true
	}
	return false
}

// command returns res's command, most bytes of it.
func (p *Page) command(res *task.Result, most int) string {
	if p.o.Command == nil {
		return ""
	}
	return shorten(visible(p.o.Command(&res.Task, res.Slot)), most)
}

// Close implements Recorder: it writes the page, whole or not at all.
func (p *Page) Close(sum *Summary) error {
	err := writeWhole(p.f, func() error {
		_, err := p.f.Write(p.html(sum))
		return err
	})
	if err := cmp.Or(err, p.f.Close()); err != nil {
		return fmt.Errorf("write report page: %w", err)
	}
	return nil
}
