package shm

import (
	"cmp"
	"errors"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A ringParty is who has an end of a ring:
//
//	absent ──attach──▶ here ──close──▶ closed
//	                     └──the process ends──▶ dead
//
//	 0  pid | start << 32 (u64); 0: absent. One store, so that nobody can be here
//	    and unknown.
//	 8  1: closed (u32)
//	12  1: it sleeps, or is about to (u32)
//	16  bell (u32)
type ringParty struct {
	who                  *atomic.Uint64
	closed, asleep, bell *atomic.Uint32
}

func (r *Ring) party(at int) ringParty {
	b := r.region
	return ringParty{b.uint64At(at), b.uint32At(at + 8), b.uint32At(at + 12), b.uint32At(at + 16)}
}

// wake wakes the party if it sleeps.
func (p *ringParty) wake() {
	if p.asleep.Load() != 0 {
		p.asleep.Store(0)
		ring(p.bell)
	}
}

// A ringEnd is what both ends have in common.
type ringEnd struct {
	*Ring
	own, peer  ringParty
	mine       uint64         // what this end has counted
	shown      *atomic.Uint64 // the same, for the other end
	other      *atomic.Uint64 // what the other end has counted
	seen       uint64         // of that
	sayClosed  error          // what a closed peer means here
	spins      int
	expected   uint64 // who the peer will be, as far as that is known
	unknown    error  // why that is not known
	watch      *watch
	peerDied   bool // as far as that is known
	closedHere bool
}

func (r *Ring) attach(own, peer, mine, theirs int) (*ringEnd, error) {
	e := &ringEnd{
		Ring: r, own: r.party(own), peer: r.party(peer),
		shown: r.region.uint64At(mine), other: r.region.uint64At(theirs),
	}
	id, err := me()
	if err != nil {
		return nil, err
	}
	if !e.own.who.CompareAndSwap(0, packed(id)) {
		return nil, ErrAttached
	}
	if runtime.NumCPU() > 1 {
		e.spins = 10_000 // some 20 µs: what a sleep and a call to wake cost
	}
	e.peer.wake()
	return e, nil
}

func packed(id identity) uint64 { return uint64(uint32(id.pid)) | id.start<<32 }

// expect says that the process pid will be the other end: its end counts, also
// before it has come.
func (e *ringEnd) expect(pid int) {
	id, err := identityOf(pid)
	if errors.Is(err, errNoProcess) {
		id, err = identity{pid, 0}, nil // nobody's
	}
	e.expected, e.unknown = packed(id), err
}

// count moves this end's counter, and lets the other see that.
func (e *ringEnd) count(n int) {
	e.mine += uint64(n)
	e.shown.Store(e.mine)
	e.peer.wake()
}

// await waits until ready says so, which looks at e.seen. ErrTimeout: w was over
// first. ErrPeerDied, or what a closed end means: it never will.
func (e *ringEnd) await(w Wait, ready func() bool) error {
	for range e.spins {
		if e.seen = e.other.Load(); ready() {
			return nil
		}
	}
	defer e.own.asleep.Store(0)
	for {
		bell := e.own.bell.Load()
		e.own.asleep.Store(1)
		gone := e.gone()
		// In this order: what it did last, it did before it was gone.
		if e.seen = e.other.Load(); ready() {
			return nil
		}
		if gone != nil {
			return gone
		}
		d, over := w.left()
		if over {
			return ErrTimeout
		}
		sleep(e.own.bell, bell, d)
	}
}

// gone returns why the other end will do no more; nil: it may.
func (e *ringEnd) gone() error {
	if e.peer.closed.Load() != 0 {
		return e.sayClosed
	}
	who := cmp.Or(e.peer.who.Load(), e.expected)
	if who == 0 {
		return e.unknown
	}
	if e.watch != nil && e.watch.who != who {
		e.watch.close()
		e.watch = nil
	}
	if e.watch == nil {
		e.watch = newWatch(who, e.own.bell)
	}
	over, err := e.watch.over()
	if e.peerDied = over; over {
		err = ErrPeerDied
	}
	return err
}

// close closes this end; the other one learns it.
func (e *ringEnd) close() {
	if e.closedHere {
		return
	}
	e.closedHere = true
	e.own.closed.Store(1)
	e.peer.wake()
	if e.watch != nil {
		e.watch.close()
	}
}

// A watch notices that a process ends, and then rings a bell.
type watch struct {
	who   uint64
	f     *os.File // its pidfd; nil: there is none to be had
	ended atomic.Bool
	blind atomic.Bool // it would not notice
	done  chan struct{}
}

func newWatch(who uint64, bell *atomic.Uint32) *watch {
	w := &watch{who: who, done: make(chan struct{})}
	fd, err := unix.PidfdOpen(int(uint32(who)), unix.PIDFD_NONBLOCK)
	lives := false
	if err == nil {
		lives, _ = w.lives() // the pidfd could be of one that came after
	}
	if !lives {
		if err == nil {
			unix.Close(fd)
		}
		w.blind.Store(true)
		close(w.done)
		return w
	}
	w.f = os.NewFile(uintptr(fd), "pidfd")
	go func() {
		defer close(w.done)
		raw, err := w.f.SyscallConn()
		if err == nil {
			err = raw.Read(func(fd uintptr) bool {
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
				return err == nil && n > 0
			})
		}
		if err != nil {
			w.blind.Store(true)
			return
		}
		w.ended.Store(true)
		ring(bell)
	}()
	return w
}

// over reports whether the process has ended. An *UnknownError: that cannot be told.
func (w *watch) over() (bool, error) {
	if w.ended.Load() || !w.blind.Load() {
		return w.ended.Load(), nil
	}
	lives, err := w.lives()
	return err == nil && !lives, err
}

func (w *watch) lives() (bool, error) {
	id, err := identityOf(int(uint32(w.who)))
	if errors.Is(err, errNoProcess) {
		return false, nil
	}
	return err == nil && packed(id) == w.who, err
}

// close ends the watch. Its bell is not rung after that.
func (w *watch) close() {
	if w.f != nil {
		_ = w.f.Close() // which wakes who reads
	}
	<-w.done
}
