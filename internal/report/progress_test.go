package report

import (
	"strings"
	"testing"
	"time"

	"mpx/internal/task"

	"pgregory.net/rapid"
)

// The line takes no more cells than there are, whatever it says.
func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts []part
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			parts = append(parts, part{visible(rapid.String().Draw(t, "text")), rapid.Bool().Draw(t, "red")})
		}
		columns := rapid.IntRange(1, 60).Draw(t, "columns")
		line := fit(parts, columns, false)
		if n := cells(line); n > columns {
			t.Fatalf("%q takes %d cells of %d", line, n, columns)
		}
		all := ""
		for _, p := range parts {
			all += p.text
		}
		if !strings.HasPrefix(all, line) || line != all && cells(line) < columns-1 {
			t.Fatalf("%q of %q in %d cells", line, all, columns)
		}
		plain := strings.NewReplacer("\x1b[31m", "", "\x1b[39m", "").Replace(fit(parts, columns, true))
		if plain != line {
			t.Fatalf("with colours %q, without %q", plain, line)
		}
	})
}

func TestShortSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 340 * time.Millisecond: "0.3s", 12 * time.Second: "12s", 155 * time.Second: "2m35s",
		3*time.Hour + 4*time.Minute: "3h04m", 51 * time.Hour: "2d03h",
	} {
		if got := shortSpan(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// The rate is that of the last half minute, however often it is asked for.
func TestRate(t *testing.T) {
	var r rate
	now := time.Unix(0, 0)
	r.add(now, 0)
	if got, _ := r.perSecond(); got != 0 {
		t.Errorf("at the start %v", got)
	}
	for i := range 3000 { // 300 s: 10 a second, then 2
		now = now.Add(drawPause)
		done := i + 1
		if i >= 1000 {
			done = 1000 + (i-999)/5
		}
		r.add(now, done)
		if got, _ := r.perSecond(); i == 900 && (got < 9.5 || got > 10.5) {
			t.Errorf("%v a second, want 10", got)
		}
	}
	if got, _ := r.perSecond(); got < 1.9 || got > 2.1 {
		t.Errorf("%v a second in the end, want 2", got)
	}
}

func TestETA(t *testing.T) {
	var p progress
	running := make([]task.Running, 4)
	for _, c := range []struct {
		ended, before int
		total         uint64
		rate          float64
		want          string
	}{
		{10, 0, 0, 5, "?"},     // the input is open
		{3, 0, 100, 5, "?"},    // not yet as many as run at once
		{10, 8, 100, 5, "?"},   // the earlier run's do not count
		{10, 0, 100, 0, "?"},   // nothing has ended lately
		{10, 0, 100, 5, "18s"}, //
		{100, 0, 100, 5, "0.0s"},
	} {
		p.ended, p.before = c.ended, c.before
		if got := p.eta(State{Total: c.total, Running: running}, c.rate); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// What is over in a moment shows no line.
func TestProgressShort(t *testing.T) {
	var s screen
	r := New(s.options())
	r.StartProgress(ProgressOptions{
		Mode: ProgressLine, Width: func() int { return 80 }, May: func() bool { return true }, State: func() State { return State{} },
	})
	mustAdd(t, r, result(1, "a\n", ""))
	if sum := mustClose(t, r); sum.Elapsed >= drawFirst {
		t.Skip("the machine is too slow to tell")
	}
	s.want(t, "a\n", "")
}

// Of tasks longer than the rate's span the whole run tells, not the last wave.
func TestRateOfLongTasks(t *testing.T) {
	p := progress{start: time.Unix(0, 0)}
	now := p.start
	p.rate.add(now, 0)
	for i := range 6100 { // ten minutes a task, eight at once; ten seconds after the first wave
		now = now.Add(drawPause)
		done := 0
		if i >= 6000 {
			done = 8
		}
		p.rate.add(now, done)
	}
	if got := p.perSecond(9); got < 0.012 || got > 0.014 {
		t.Errorf("%v a second, want 8 in 610 s", got)
	}
}
