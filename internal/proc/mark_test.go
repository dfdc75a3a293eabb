package proc

import (
	"os/exec"
	"slices"
	"testing"
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

// The marks of a process are those of its environment.
func TestMarksOf(t *testing.T) {
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
		cat := exec.Command("/bin/cat")
		cat.Env = append([]string{}, c.env...)
		in, err := cat.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cat.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cat.Start(); err != nil {
			t.Fatal(err)
		}
		// Its exec is over when it answers.
		if _, err := in.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if marks, known := MarksOf(cat.Process.Pid); !slices.Equal(marks, c.want) || known != c.known {
			t.Errorf("%q: marks %q, known %t", c.env, marks, known)
		}
		in.Close()
		if err := cat.Wait(); err != nil {
			t.Error(err)
		}
		if _, known := MarksOf(cat.Process.Pid); known {
			t.Errorf("%d is gone", cat.Process.Pid)
		}
	}
}
