package server

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

func TestConfig(t *testing.T) {
	for _, argv := range [][]string{{"true"}, {"sh", "-c", "a\nb", "", "\xff\xfe"}, {"", ""}} {
		want := config{dir: "/dev/shm/mpx", name: "a", parent: 101, path: "/bin/sh", argv: argv}
		got, err := parseConfig(want.encode())
		if err != nil || got.dir != want.dir || got.name != want.name || got.parent != want.parent || got.path != want.path || !slices.Equal(got.argv, argv) {
			t.Errorf("%+v becomes %+v, %v", want, got, err)
		}
	}
}

// A cut configuration is none, wherever it is cut.
func TestConfigCut(t *testing.T) {
	c := config{dir: "/d", name: "a", parent: -1, path: "p", argv: []string{"p"}}
	b := c.encode()
	for n := range b {
		if _, err := parseConfig(b[:n]); err == nil {
			t.Errorf("%q passes", b[:n])
		}
	}
}

func TestAnswer(t *testing.T) {
	for _, want := range []error{nil, shm.ErrExists, &RunError{unix.ENOENT}, errors.New("no room")} {
		got := parseAnswer(answerOf(want))
		var run *RunError
		switch {
		case want == nil || errors.Is(want, shm.ErrExists):
			if !errors.Is(got, want) {
				t.Errorf("%v becomes %v", want, got)
			}
		case got == nil || got.Error() != want.Error():
			t.Errorf("%v becomes %v", want, got)
		case errors.As(want, &run) && !errors.Is(got, syscall.ENOENT):
			t.Errorf("%v becomes %T", want, got)
		}
	}
	for _, text := range []string{"", "run", "cannot run x", "cannot run "} {
		if err := parseAnswer(text); !errors.Is(err, errKeeperGone) {
			t.Errorf("%q becomes %v", text, err)
		}
	}
}
