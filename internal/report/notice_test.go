package report

import (
	"fmt"
	"strings"
	"testing"

	"mpx/internal/task"
)

func noted(seq uint64, note, hint string) task.Result {
	res := result(seq, "", "")
	res.Note, res.Hint = note, hint
	return res
}

func TestNoticesOnce(t *testing.T) {
	var s screen
	r := New(s.options())
	one := noted(1, "nosuch: command not found", "is it installed?")
	one.Stderr = task.Bytes([]byte("own"))
	mustAdd(t, r, one)
	for seq := uint64(2); seq <= 10_000; seq++ {
		mustAdd(t, r, noted(seq, "nosuch: command not found", "is it installed?"))
	}
	mustAdd(t, r, noted(10_001, "other", ""))
	s.want(t, "", "own\nmpx: nosuch: command not found\nmpx: hint: is it installed?\nmpx: other\n")
	s.err.Reset()
	mustClose(t, r)
	s.want(t, "", "mpx: (and 9,999 more like: nosuch: command not found)\n")
}

// Each lost worker is news, up to the cap.
func TestNoticesCapped(t *testing.T) {
	var s screen
	o := s.options()
	o.ErrName = "mpx map"
	r := New(o)
	var want strings.Builder
	for seq := uint64(1); seq <= 30; seq++ {
		res := noted(seq, "worker died", "")
		res.Status = task.Lost
		mustAdd(t, r, res)
		if seq <= maxNotices {
			want.WriteString("mpx map: worker died\n")
		}
	}
	want.WriteString("mpx map: further notices are not shown\n")
	mustClose(t, r)
	s.want(t, "", want.String())
}

// A notice appears at its task's turn, though the task ended earlier.
func TestNoticeInTurn(t *testing.T) {
	var l log
	r := New(Options{Stdout: logStream{&l, "out"}, Stderr: logStream{&l, "err"}})
	mustAdd(t, r, noted(2, "two", ""))
	mustAdd(t, r, result(1, "1", ""))
	if got := fmt.Sprint(l.writes); got != `[out "1" err "mpx: two\n"]` {
		t.Error(got)
	}
}

func TestRetriedNotice(t *testing.T) {
	var s screen
	r := New(s.options())
	res := noted(1, "worker mpx-worker-3 died", "")
	res.Status, res.Stdout = task.Lost, task.Bytes([]byte("half"))
	retried(t, r, res)
	mustAdd(t, r, result(1, "whole", ""))
	if sum := mustClose(t, r); sum.Total != 1 || sum.Failed() != 0 {
		t.Errorf("summary %+v", sum)
	}
	s.want(t, "whole", "mpx: worker mpx-worker-3 died\n")
}

func TestNoticeText(t *testing.T) {
	var s screen
	r := New(s.options())
	r.Notice("a\nb\x1b[31m\xff\u202e é\uFFFD\n", "")
	r.Line("touch 'x\ty'")
	s.want(t, "", `mpx: a`+"\n"+`mpx: b\x1b[31m\xff\u202e é`+"\uFFFD\ntouch 'x\ty'\n")
}

func TestSummary(t *testing.T) {
	type end struct {
		n      int
		status task.Status
		code   int
	}
	for _, c := range []struct {
		ends []end
		want string
	}{
		{[]end{{3, task.OK, 0}, {2, task.Skipped, 0}}, "mpx: 2 of 5 tasks were skipped (--halt)\n"},
		{nil, ""},
		{
			[]end{{6, task.OK, 0}, {1, task.Failed, 1}, {1, task.TimedOut, 0}, {91, task.OK, 0}, {1, task.Failed, 1}},
			"mpx: 3 of 100 tasks failed (2 exit 1, 1 timeout), first: task 7 (exit 1): grep 7\n",
		},
		{[]end{{1, task.Failed, 127}}, "mpx: 1 of 1 task failed: task 1 (exit 127): grep 1\n"},
		{
			[]end{{1, task.OK, 0}, {1, task.Signalled, 9}, {12, task.Cancelled, 0}},
			"mpx: 1 of 14 tasks failed: task 2 (SIGKILL): grep 2\nmpx: 12 of 14 tasks were cancelled\n",
		},
		{[]end{{1, task.OK, 0}, {1, task.Cancelled, 0}}, "mpx: 1 of 2 tasks was cancelled\n"},
		{
			[]end{{1, task.Signalled, 63}, {2, task.Lost, 0}, {3, task.Failed, 5}, {1, task.Failed, 6}, {1, task.Failed, 7}, {1, task.Failed, 8}, {1991, task.Failed, 9}},
			"mpx: 2,000 of 2,000 tasks failed (1,991 exit 9, 3 exit 5, 2 lost, 1 exit 6, 1 exit 7, 2 other), first: task 1 (signal 63): grep 1\n",
		},
	} {
		var s screen
		o := s.options()
		o.Command = func(t *task.Task, _ int) []string { return []string{"grep", string(t.Values.At(0))} }
		r := New(o)
		seq := uint64(0)
		for _, e := range c.ends {
			for range e.n {
				seq++
				res := result(seq, "", "")
				res.Status = e.status
				if res.Exit = e.code; e.status == task.Signalled {
					res.Exit, res.Signal = 0, e.code
				}
				mustAdd(t, r, res)
			}
		}
		if got := mustClose(t, r).String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		s.want(t, "", "")
	}
}

func TestSummaryCommand(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "task 1 (exit 1)",
		"a\nb":                            `task 1 (exit 1): a\nb`,
		strings.Repeat("x", 159) + "éyyy": "task 1 (exit 1): " + strings.Repeat("x", 159) + "…",
	} {
		r := New(Options{Display: func(*task.Task, int) string { return text }})
		res := result(1, "", "")
		res.Status, res.Exit = task.Failed, 1
		mustAdd(t, r, res)
		if got := mustClose(t, r).Lines()[0]; got != "mpx: 1 of 1 task failed: "+want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
