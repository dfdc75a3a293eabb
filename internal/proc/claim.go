package proc

import (
	"os"
	"slices"
	"syscall"
	"time"
)

// unsureTime is how long a process may look as if it were nobody's: in the midst of its
// exec or of its end it has no environment.
const unsureTime = 500 * time.Millisecond

// A Claim says which of this process's children are those of a worker or command that
// is dead, or is to be. A subreaper has others, too: children that it had before it
// became this program, and what these and ended commands leave to it, at any time. So
// only what is proved to be claimed is ended:
//
//   - by Mark, in its environment;
//   - by Session;
//   - by there being nobody else whose it could be, if Alone says so.
type Claim struct {
	Mark    Mark
	Session int                // whose leader was of it; 0: no such session
	Spare   func(pid int) bool // says which children are known to be others'; nil: none
	Alone   func() bool        // says whether nobody else can have left processes to this one
}

// End kills the children that are claimed, with all that is below them, and reaps them.
// What cannot be killed it gives up after limit.
func (c *Claim) End(limit time.Duration) {
	// Twice, as an orphan may come to one thread's list while another's is read.
	looks := 2
	for end := time.Now().Add(unsureTime); looks > 0; time.Sleep(time.Millisecond) {
		sure := true
		EndChildren(func(pid int) bool {
			mine, known := c.covers(pid)
			sure = sure && known
			return mine
		}, limit, nil)
		if looks--; !sure && time.Now().Before(end) {
			looks = 2
		}
	}
}

// Signal sends sig to the children that are claimed, and to all that is below them.
func (c *Claim) Signal(sig syscall.Signal) {
	for _, pid := range Children(os.Getpid()) {
		if mine, _ := c.covers(pid); mine {
			SignalAll(append(Descendants(pid), pid), sig)
		}
	}
}

// covers reports whether child pid is claimed, and whether that will stay so.
func (c *Claim) covers(pid int) (mine, sure bool) {
	if c.Spare != nil && c.Spare(pid) {
		return false, true
	}
	st, err := ReadStat(pid)
	if err != nil || c.Session > 0 && st.Session == c.Session {
		return err == nil, true
	}
	this, another, known := c.Mark.has(pid)
	if this || another {
		return this, true
	}
	alone := c.Alone()
	return alone, alone || known || st.State == 'Z' // whose children have come here already
}

// AnyLivingChild reports whether this process has a child that has not ended.
func AnyLivingChild() bool {
	return AnyChild() && slices.ContainsFunc(Children(os.Getpid()), func(pid int) bool {
		st, err := ReadStat(pid)
		return err == nil && st.State != 'Z'
	})
}
