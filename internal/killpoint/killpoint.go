// Package killpoint kills a program at every point at which that can make a difference
// to others, one point a run: before each system call that others may notice, and after
// each store that changes memory which it shares. Nothing is drawn and nothing is timed:
// the program is traced, and stands still when it is killed. It is for tests.
package killpoint

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// A Victim is a run of a program.
type Victim struct {
	Path  string
	Args  []string // the first is the program's name
	Env   []string
	Dir   string
	Files [3]*os.File // stdin, stdout, stderr; nil: /dev/null

	// Which, given the words of a process that the program starts, each followed by a
	// space, says whether that is the one to be killed. nil: it is the program itself.
	Which func(words string) bool
	// Waits says that the program waits for ever by now. It is killed then.
	Waits func() bool
	// Patience is when a run counts as hung.
	Patience time.Duration
}

// A Point is where a victim is killed: before its system call number Call, from 1, of
// those that count, or, with Store, after so many stores that follow call number Call.
type Point struct{ Call, Store int }

// An End is how a run ended.
type End struct {
	Killed bool   // at the point
	Waited bool   // killed as it waited, before it came to the point
	Hung   bool   // killed, as it was out of patience
	Where  string // the call that it was killed before, or followed by its last store
	// Status is how the program itself ended: it is not the victim if there is a Which.
	Status syscall.WaitStatus
}

// ErrRefused is the error of Run where processes must not be traced.
var ErrRefused = errors.New("no process can be traced here")

// A survey is what a whole run passes.
type survey struct {
	calls  int
	stores []int // the calls that are followed by stores to shared memory
}

// Points lets a victim end by itself, or wait, and returns the points that it has
// passed, and how it ended.
func Points(v *Victim) ([]Point, End, error) {
	var s survey
	end, err := v.run(Point{}, &s)
	if err != nil {
		return nil, end, err
	}
	var all []Point
	for call := range s.calls {
		all = append(all, Point{Call: call + 1})
	}
	for _, call := range s.stores {
		all = append(all, Point{call, 1})
	}
	return all, end, nil
}

// Run runs v and kills it at p.
func (v *Victim) Run(p Point) (End, error) { return v.run(p, nil) }

func (p Point) String() string {
	if p.Store > 0 {
		return fmt.Sprintf("store %d after call %d", p.Store, p.Call)
	}
	return fmt.Sprintf("call %d", p.Call)
}
