package shm

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// killFor is how long each of the tests named TestKill goes on; 0: one run. make
// torture sets it.
const killFor = "MPX_KILL_FOR"

// again calls f, a whole run that returns how many it has killed, for as long as
// killFor says. No run may leave a descriptor open. scripts/torture adds up the
// kills. Each run kills processes that do not end by themselves.
func again(t *testing.T, f func() (kills int)) {
	t.Helper()
	limit, err := time.ParseDuration(cmp.Or(os.Getenv(killFor), "0s"))
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	defer func() { t.Logf("%d kills", kills) }()
	open := 0
	for start := time.Now(); ; {
		n := f()
		kills += n
		if n == 0 {
			t.Error("nobody was killed: the test shows nothing")
		}
		switch now := descriptors(t); {
		case open == 0: // the first run has opened what the process keeps, as epoll
			open = now
		case now > open:
			t.Errorf("%d descriptors are open, %d after the first run", now, open)
		}
		if t.Failed() || time.Since(start) >= limit {
			return
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// wantEmpty removes the objects of the names and checks that d has no others.
func wantEmpty(t *testing.T, d *Dir, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := d.Remove(name); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(d.Path())
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// A crowd are processes of one helper that share objects, each at a place of its
// own, its argument. Who is killed is replaced; the others end, and end well, once
// the event "stop" is set.
type crowd struct {
	t     *testing.T
	d     *Dir
	name  string
	cmds  []*exec.Cmd // nil: it has been waited for
	kills int
}

func newCrowd(t *testing.T, d *Dir, name string, places int) *crowd {
	t.Helper()
	c := &crowd{t: t, d: d, name: name, cmds: make([]*exec.Cmd, places)}
	for i := range c.cmds {
		c.enter(i)
	}
	return c
}

// enter starts the process of a place.
func (c *crowd) enter(place int) {
	c.t.Helper()
	cmd := objectHelper(c.t, c.d, c.name, strconv.Itoa(place))
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.cmds[place] = cmd
}

// kill kills the process of a place.
func (c *crowd) kill(place int) {
	c.t.Helper()
	killed(c.t, c.cmds[place])
	c.cmds[place] = nil
	c.kills++
}

// stop sets the event and waits until all have ended. Until then it calls wake, which
// is for those that wait for something else.
func (c *crowd) stop(wake func() error) {
	c.t.Helper()
	e, err := c.d.OpenEvent("stop")
	if err != nil {
		c.t.Fatal(err)
	}
	if err := errors.Join(e.Set(), e.Close()); err != nil {
		c.t.Error(err)
	}
	var ended sync.WaitGroup
	for i, cmd := range c.cmds {
		c.cmds[i] = nil
		hangs := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		ended.Go(func() {
			err := cmd.Wait()
			if !hangs.Stop() {
				c.t.Errorf("process %d hangs", i)
			} else if err != nil {
				c.t.Errorf("process %d: %v", i, err)
			}
		})
	}
	all := make(chan struct{})
	go func() { ended.Wait(); close(all) }()
	for {
		if err := wake(); err != nil {
			c.t.Error(err)
		}
		select {
		case <-all:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// end ends those that a failed test has left.
func (c *crowd) end() {
	for _, cmd := range c.cmds {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
}

// A member is what the helpers of a crowd have in common: a directory, a place, and
// the event that ends them.
type member struct {
	d     *Dir
	place int
	stop  *Event
}

func newMember(args []string) (m member, err error) {
	if m.d, err = OpenDir(args[0]); err != nil {
		return m, err
	}
	if m.place, err = strconv.Atoi(args[1]); err != nil {
		return m, err
	}
	m.stop, err = m.d.OpenEvent("stop")
	return m, err
}

// until calls f again and again until the event is set.
func (m member) until(f func() error) error {
	for {
		if stopped, err := m.stop.IsSet(); err != nil || stopped {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}
