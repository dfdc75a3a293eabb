package report

import (
	"strings"
	"testing"

	"mpx/internal/task"
)

// A tailRecorder keeps what records see of stderr.
type tailRecorder struct{ seen []string }

func (r *tailRecorder) Record(res *task.Result) error {
	var b strings.Builder
	_, err := res.Stderr.WriteTo(&b)
	r.seen = append(r.seen, b.String())
	return err
}

func (r *tailRecorder) Close(*Summary) error { return nil }

// Records see the end of a stderr that was printed in pieces, of each attempt
// its own.
func TestLiveTail(t *testing.T) {
	var s screen
	var rec tailRecorder
	o := s.options()
	o.Mode, o.Records = LineBuffered, []Recorder{&rec}
	r := New(o)
	one := result(1, "", "")
	live := func(stderr bool, p string) {
		if err := r.Live(&one.Task, 1, stderr, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	live(true, "first\n")
	retried(t, r, one)
	one.Attempt = 2
	live(false, "out\n")
	retried(t, r, one)
	one.Attempt = 3
	long := strings.Repeat("x", 3*maxTail)
	live(true, long)
	for range 1000 {
		live(true, "0123456789\n")
	}
	one.Stderr = task.Bytes([]byte("last"))
	mustAdd(t, r, one, result(2, "", "own"))
	mustClose(t, r)
	whole := long + strings.Repeat("0123456789\n", 1000)
	want := []string{"first\n", "", whole[len(whole)-maxTail:] + "last", "own"}
	if strings.Join(rec.seen, "|") != strings.Join(want, "|") {
		t.Errorf("seen %.100q", rec.seen)
	}
	s.want(t, "out\n", "first\n"+whole+"lastown")
}
