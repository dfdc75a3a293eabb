package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mpx/internal/shm"
)

// contenders is how many processes want the lock, or a slot, at a time.
const contenders = 8

// A scramble is that of contenders for a lock or a sem, who are killed at random. Each runs
// the helper critical.
type scramble struct {
	verb   string // and its flags, which stand behind the name
	flags  []string
	most   int // so many may be in the critical section
	dir    string
	killed atomic.Int64
	passed atomic.Int64
	broken atomic.Int64 // how often critical saw more than that
}

func newScramble(t *testing.T, most int, verb string, flags ...string) *scramble {
	return &scramble{verb: verb, flags: flags, most: most, dir: t.TempDir()}
}

func (c *scramble) mpx(args ...string) *exec.Cmd { return mpxIn(c.dir, args...) }

// run has the contenders come again and again, each some times.
func (c *scramble) run(t *testing.T, times int) {
	t.Helper()
	c.makeCells(t)
	var wg sync.WaitGroup
	for i := range contenders {
		wg.Go(func() {
			for n := range times {
				if c.contend(t, i, n == times-1); t.Failed() {
					return
				}
			}
		})
	}
	wg.Wait()
}

// makeCells makes the file that the helpers critical share.
func (c *scramble) makeCells(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(c.dir, "cells")
	if err := os.WriteFile(path, make([]byte, 8*contenders), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contend is one time of contender i. It may be killed as it starts, waits, is in
// the critical section, or leaves; but not the last time.
func (c *scramble) contend(t *testing.T, i int, last bool) {
	args := append([]string{c.verb, "x"}, c.flags...)
	args = append(args, "critical", strconv.Itoa(i), strconv.Itoa(c.most), filepath.Join(c.dir, "cells"))
	cmd := c.mpx(args...)
	limit := patience
	if !last && rand.IntN(2) == 0 {
		limit = time.Duration(rand.IntN(60)) * time.Millisecond
	}
	status, killed, said := runFor(cmd, limit)
	switch {
	case killed && limit < patience:
		c.killed.Add(1)
	case killed:
		t.Errorf("contender %d hangs", i)
	case status == 0:
		c.passed.Add(1)
	case status == tooMany:
		c.broken.Add(1)
	default:
		t.Errorf("contender %d ended with %d: %s", i, status, said)
	}
}

// state returns what ls says of x.
func (c *scramble) state(t *testing.T) (state string) {
	t.Helper()
	d, err := shm.OpenDir(filepath.Join(c.dir, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := d.Open("x", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if state, err = o.State(); err != nil {
		t.Error(err)
	}
	if list, err := o.Parties(); err != nil || len(list) > 0 {
		t.Errorf("left: %v %v", list, err)
	}
	return state
}

// want checks that nobody saw too many, and how all is in the end.
func (c *scramble) want(t *testing.T, state string) {
	t.Helper()
	if n := c.broken.Load(); n > 0 {
		t.Errorf("more than %d in the critical section, %d times", c.most, n)
	}
	if got := c.state(t); got != state {
		t.Errorf("in the end %s, want %s", got, state)
	}
	if n := c.passed.Load(); n < contenders {
		t.Errorf("%d have passed, %d did not have to die", n, contenders)
	}
	wantNoObjects(t, c.dir)
}

// However many are killed, no two hold a lock, and everybody who waits gets it.
func TestKillLock(t *testing.T) {
	againAlone(t, func() int {
		c := newScramble(t, 1, "lock")
		c.run(t, 10)
		c.want(t, "free")
		return int(c.killed.Load())
	})
}

// The same of the slots of a sem.
func TestKillSem(t *testing.T) {
	againAlone(t, func() int {
		c := newScramble(t, 3, "sem", "-n", "3")
		c.run(t, 10)
		c.want(t, "3 of 3 free")
		return int(c.killed.Load())
	})
}

// Its size changes all the while, by processes that are killed, too.
func TestKillResize(t *testing.T) {
	againAlone(t, func() int {
		c := newScramble(t, 4, "sem")
		over := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { c.resize(t, over) })
		c.run(t, 10)
		close(over)
		wg.Wait()
		// Whoever resized last may have been killed.
		if out, err := c.mpx("sem", "x", "-n", "4", "--resize", "true").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		c.want(t, "4 of 4 free")
		return int(c.killed.Load())
	})
}

// resize changes the size of the sem again and again.
func (c *scramble) resize(t *testing.T, over <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
		}
		cmd := c.mpx("sem", "x", "-n", fmt.Sprint(1+n%4), "--resize", "--timeout", "0.01", "true")
		status, killed, said := runFor(cmd, time.Duration(rand.IntN(40))*time.Millisecond)
		switch {
		case killed:
			c.killed.Add(1)
		case status != 0 && status != exitTimeout:
			t.Errorf("resize ended with %d: %s", status, said)
		}
	}
}

// The helper critical does see when there are too many: two that stay until then.
func TestScrambleDetects(t *testing.T) {
	c := newScramble(t, 1, "sem", "-n", "4")
	cells := c.makeCells(t)
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			if status, _, said := runFor(c.mpx("sem", "x", "-n", "4", "critical", strconv.Itoa(i), "1", cells, "stay"), 2*patience); status == tooMany {
				c.broken.Add(1)
			} else {
				t.Logf("ended with %d: %s", status, said)
			}
		})
	}
	if both.Wait(); c.broken.Load() == 0 {
		t.Error("two at a time, and none saw more than one")
	}
	wantNoObjects(t, c.dir)
}
