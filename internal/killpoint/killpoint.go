// Package killpoint kills a program at every point at which that can make a difference
// to others, one point a run: before each system call that others may notice, and after
// each store that changes memory which it shares. Nothing is drawn and nothing is timed: the program
// is traced, and stands still when it is killed. It is for tests.
package killpoint

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// A Victim is a program that is run to be killed.
type Victim struct {
	Path  string
	Args  []string // the first is the program's name
	Env   []string
	Dir   string
	Files [3]*os.File // stdin, stdout, stderr; nil: /dev/null

	// Which, given the words of a process that the program starts, each followed by a
	// space, says whether that is the one to be killed. nil: it is the program itself.
	Which func(words string) bool
	// Execs says that it is the victim still when it has become another program.
	Execs bool
	// Waits says that the victim waits, and nobody is going to wake it. It is killed then.
	Waits func() bool
	// Patience is when a run counts as hung.
	Patience time.Duration
}

// An End is how a run ended.
type End struct {
	Killed bool   // at the point
	Waited bool   // killed as it waited, before it came to the point
	Hung   bool   // killed, as it was out of patience
	Points int    // how many it has come to
	Where  string // the last of them: the name of a call, or "store"
	// Status is how the program itself ended: it is not the victim if there is a Which.
	Status syscall.WaitStatus
}

// ErrRefused is the error of Run where processes cannot be traced.
var ErrRefused = errors.New("no process can be traced here")

// Run runs v and kills it at point number n, from 1. 0: it is left alone.
func (v *Victim) Run(n int) (End, error) {
	t := &tracer{v: v, n: n, inCall: map[int]bool{}, process: map[int]int{}, early: map[int]bool{}, maps: map[int]uint64{}}
	err := inThread(t.follow)
	t.letGo()
	return t.end, err
}
