package report

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"time"

	"mpx/internal/task"
)

// Bounds of the tables. A task's text may grow sixfold as it is escaped, so
// what failed tasks said is bounded as it stands on the page.
const (
	maxSlowest = 20
	maxFailed  = 200
	maxSaid    = 600 << 10 // of all of them, escaped
	maxCommand = 300
	maxTipText = 120 // of a command in a tooltip
)

// A pageRow is an attempt in a table.
type pageRow struct {
	seq          uint64
	attempt      uint32
	how          string
	outcome      outcome
	elapsed      time.Duration
	slot, worker int
	usage        task.Usage
	command      string
	note         string
	said         string // the end of its stderr, escaped
	before       int64  // bytes of stderr before said
	full         bool   // said was left out for want of room
}

func (p *Page) row(res *task.Result) pageRow {
	return pageRow{
		seq: res.Seq, attempt: res.Attempt, how: kindOf(res).String(), outcome: outcomeOf(res),
		elapsed: res.Elapsed, slot: res.Slot, worker: res.Worker, usage: res.Usage,
		command: p.command(res, maxCommand),
	}
}

// tip returns what a bar says of res.
func (p *Page) tip(res *task.Result) string {
	tip := fmt.Sprintf("task %d", res.Seq)
	if res.Attempt > 1 || res.Again {
		tip += fmt.Sprintf(", attempt %d", res.Attempt)
	}
	tip += fmt.Sprintf(": %s, %s, slot %d, worker %d", kindOf(res), spanText(res.Elapsed), res.Slot, res.Worker)
	if c := p.command(res, maxTipText); c != "" {
		tip += "\n" + c
	}
	return tip
}

// keepSlow keeps res if it is one of the slowest so far.
func (p *Page) keepSlow(res *task.Result) {
	at, _ := slices.BinarySearchFunc(p.slowest, res.Elapsed, func(r pageRow, d time.Duration) int {
		// Of equals the first stays in front.
		return cmp.Or(cmp.Compare(d, r.elapsed), -1)
	})
	if at == maxSlowest {
		return
	}
	p.slowest = slices.Insert(p.slowest[:min(len(p.slowest), maxSlowest-1)], at, p.row(res))
}

// keepFailed keeps res with the end of its stderr.
func (p *Page) keepFailed(res *task.Result) error {
	r := p.row(res)
	r.note = shorten(visible(res.Note), maxCommand)
	defer func() { p.failed = append(p.failed, r) }()
	tail, err := res.Stderr.Tail(maxTail)
	if err != nil {
		return fmt.Errorf("record stderr of task %d: %w", res.Seq, err)
	}
	if int64(len(tail)) < res.Stderr.Size() {
		tail = wholeLines(tail)
	}
	r.before = res.Stderr.Size() - int64(len(tail))
	r.said = html.EscapeString(plainText(tail))
	if r.full = len(r.said) > p.room; r.full {
		r.said = ""
	}
	p.room -= len(r.said)
	return nil
}
