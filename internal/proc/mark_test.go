package proc

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// A mark is added to those that are there, and nothing else of the environment changes.
func TestMarkIn(t *testing.T) {
	a, b := NewMark(), NewMark()
	if a == b || !a.MadeHere() || Mark("x"+a).MadeHere() {
		t.Errorf("marks %s and %s", a, b)
	}
	env := []string{"A=1", "_MPX_=2", "A=3"}
	once := a.In(env)
	if want := append(slices.Clone(env), "_MPX="+string(a)); !slices.Equal(once, want) {
		t.Errorf("%q, want %q", once, want)
	}
	twice := b.In(append(once, "B="))
	if want := append(slices.Clone(env), "B=", "_MPX="+string(a)+":"+string(b)); !slices.Equal(twice, want) {
		t.Errorf("%q, want %q", twice, want)
	}
	if empty := a.In([]string{"_MPX="}); !slices.Equal(empty, []string{"_MPX=" + string(a)}) {
		t.Errorf("%q", empty)
	}
}

// The marks of a process are those of its environment, its parents' too.
func TestMarksOf(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	a, b := NewMark(), NewMark()
	for _, c := range []struct {
		env   []string
		want  []Mark
		known bool
	}{
		{b.In(a.In([]string{"A=1"})), []Mark{a, b}, true},
		{[]string{"A=1"}, nil, true},
		{nil, nil, false},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		pid, pidfd, err := Start(&Spec{Path: "/bin/cat", Argv: []string{"cat"}, Env: c.env, Files: [3]int{int(r.Fd()), int(null.Fd()), 2}})
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if marks, known := MarksOf(pid); !slices.Equal(marks, c.want) || known != c.known {
			t.Errorf("%q: marks %q, known %t", c.env, marks, known)
		}
		w.Close()
		waitReadable(pidfd, patience)
		unix.Close(pidfd)
		reapWithin(pid, patience, nil)
		if _, known := MarksOf(pid); known {
			t.Errorf("%d is gone", pid)
		}
	}
}
