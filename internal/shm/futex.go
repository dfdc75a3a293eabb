package shm

import (
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The futex(2) operations that are used here, without FUTEX_PRIVATE_FLAG: the
// words are shared.
const (
	futexWake       = 1
	futexWaitBitset = 9 // with an absolute deadline of CLOCK_MONOTONIC
	futexAnyBit     = math.MaxUint32
)

// recheck bounds a wait: who was to wake us may have been killed between the
// change of the word and the call.
const recheck = 250 * time.Millisecond

// wake wakes up to n waiters of word.
func wake(word *atomic.Uint32, n int) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n), 0, 0, 0)
}

// wakeAll wakes all waiters of word.
func wakeAll(word *atomic.Uint32) { wake(word, math.MaxInt32) }

// sleep waits while word is val, at most d. That it returns means nothing: the
// caller looks again.
func sleep(word *atomic.Uint32, val uint32, d time.Duration) {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return
	}
	at := unix.NsecToTimespec(now.Nano() + int64(d))
	// Not raw: the runtime must know that this thread waits.
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset, uintptr(val), uintptr(unsafe.Pointer(&at)), 0, futexAnyBit)
}

// A Wait says how long an operation may wait: not at all, for some time, or for
// ever. The zero Wait is for ever.
type Wait struct {
	limited bool
	until   time.Time // monotonic: a jump of the wall clock changes nothing
	once    bool      // not even a moment for the guard
	general bool      // it is not the caller's own, see Patience
}

// Once is not to wait, not even for a guard that others have for a moment.
func Once() Wait { return Wait{limited: true, once: true} }

// WaitFor returns a wait of d. One of 0 or less looks once.
func WaitFor(d time.Duration) Wait { return Wait{limited: true, until: time.Now().Add(d)} }

// Left returns how long w still lasts; a negative time is for ever.
func (w Wait) Left() time.Duration {
	if !w.limited {
		return -1
	}
	return max(0, time.Until(w.until))
}

// left returns how long w still lasts, at most the time to the next look.
func (w Wait) left() (d time.Duration, over bool) {
	if !w.limited {
		return recheck, false
	}
	d = time.Until(w.until)
	return min(d, recheck), d <= 0
}

// await waits until done says so. word changes whenever that may have become so.
// ErrTimeout: w was over first. ErrRemoved: so was o.
func (o *Object) await(word *atomic.Uint32, w Wait, done func() bool) error {
	return o.touching(func() error {
		for {
			val := word.Load()
			if done() {
				return nil
			}
			d, over := w.left()
			switch {
			case over:
				return ErrTimeout
			case o.removed():
				return ErrRemoved
			}
			sleep(word, val, d)
		}
	})
}

// atMost is w, but no longer than d.
func (w Wait) atMost(d time.Duration) Wait {
	if short := WaitFor(d); !w.limited || short.until.Before(w.until) {
		return short
	}
	return w
}
