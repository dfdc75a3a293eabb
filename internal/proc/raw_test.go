package proc

import (
	"bytes"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipe returns a non-blocking pipe, whose ends are closed when the test ends.
// A closed end is set to -1.
func pipe(t *testing.T) *[2]int {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range p {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	})
	return &p
}

func readable(p *[2]int) []unix.PollFd { return []unix.PollFd{{Fd: int32(p[0]), Events: unix.POLLIN}} }

var polls = map[string]func([]unix.PollFd, time.Duration) (int, error){"Poll": Poll, "SlowPoll": SlowPoll}

func TestPollReady(t *testing.T) {
	quiet, data, hungUp := pipe(t), pipe(t), pipe(t)
	if _, err := Write(data[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	Close(hungUp[1])
	hungUp[1] = -1
	for name, poll := range polls {
		for _, d := range []time.Duration{-1, 0, 1, spin, time.Minute} {
			fds := append(append(readable(quiet), readable(data)...), readable(hungUp)...)
			n, err := poll(fds, d)
			if n != 2 || err != nil || fds[0].Revents != 0 || fds[1].Revents != unix.POLLIN || fds[2].Revents != unix.POLLHUP {
				t.Errorf("%s for %v: %d, %v, %+v", name, d, n, err, fds)
			}
		}
	}
}

// A wait lasts as long as it is told, below what it does by itself and above.
func TestPollTimeout(t *testing.T) {
	p := pipe(t)
	for name, poll := range polls {
		for _, d := range []time.Duration{0, 1, time.Millisecond, spin, spin + 1, 30 * time.Millisecond} {
			for _, fds := range [][]unix.PollFd{readable(p), nil} {
				lasts := false // the runtime's signals may interrupt it, now and then
				for end := time.Now().Add(patience); !lasts && time.Now().Before(end); {
					begun := time.Now()
					if n, err := poll(fds, d); n != 0 || err != nil {
						t.Fatalf("%s for %v: %d, %v", name, d, n, err)
					}
					lasts = time.Since(begun) >= d
				}
				if !lasts {
					t.Errorf("%s for %v: none lasts", name, d)
				}
			}
		}
	}
}

// Nor longer: the spin is part of the time. One wait in many that is about as
// long as it should be proves it.
func TestPollTimeoutIsNotExceeded(t *testing.T) {
	p := pipe(t)
	for _, d := range []time.Duration{0, spin / 3, 2 * spin} {
		about := false
		for end := time.Now().Add(patience); !about; {
			if time.Now().After(end) {
				t.Fatalf("no wait for %v was that long", d)
			}
			runtime.Gosched() // so that the runtime leaves it alone
			begun := time.Now()
			if n, err := Poll(readable(p), d); n != 0 || err != nil {
				t.Fatalf("%v: %d, %v", d, n, err)
			}
			took := time.Since(begun)
			about = d <= took && took < d+spin/2
		}
	}
}

// What happens in the wait ends it, early or late.
func TestPollWakes(t *testing.T) {
	for name, poll := range polls {
		for _, after := range []time.Duration{0, spin / 2, 4 * spin} {
			for _, d := range []time.Duration{-1, time.Minute} {
				p := pipe(t)
				wrote := make(chan error)
				go func() {
					<-time.After(after)
					_, err := unix.Write(p[1], []byte("x"))
					wrote <- err
				}()
				n := 0
				for n == 0 { // as a signal may interrupt it
					var err error
					if n, err = poll(readable(p), d); err != nil {
						t.Fatal(err)
					}
				}
				if err := <-wrote; n != 1 || err != nil {
					t.Errorf("%s for %v, event after %v: %d, %v", name, d, after, n, err)
				}
			}
		}
	}
}

// A signal ends the wait; that is no error.
func TestPollInterrupted(t *testing.T) {
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, unix.SIGUSR1)
	defer signal.Stop(usr1)
	p := pipe(t)
	for name, poll := range polls {
		for _, sig := range []syscall.Signal{unix.SIGUSR1, unix.SIGURG} {
			for _, d := range []time.Duration{-1, time.Hour, spin} {
				n, err := interrupted(func() (int, error) { return poll(readable(p), d) }, sig)
				if n != 0 || err != nil {
					t.Errorf("%s for %v, %v: %d, %v", name, d, sig, n, err)
				}
			}
		}
	}
}

// interrupted calls f and sends its thread signals until it returns.
func interrupted(f func() (int, error), sig syscall.Signal) (n int, err error) {
	tid, done, sent := make(chan int), make(chan bool), make(chan bool)
	go func() {
		defer close(sent)
		to := <-tid
		for {
			_ = unix.Tgkill(os.Getpid(), to, sig)
			select {
			case <-done:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid <- unix.Gettid()
	n, err = f()
	close(done)
	<-sent
	return n, err
}

func TestPollError(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<20 {
		t.Skipf("limit of descriptors: %d, %v", limit.Cur, err)
	}
	fds := make([]unix.PollFd, limit.Cur+1)
	for name, poll := range polls {
		if n, err := poll(fds, 0); n != 0 || err != unix.EINVAL {
			t.Errorf("%s of more than the limit: %d, %v", name, n, err)
		}
	}
	for name, poll := range polls {
		closed := []unix.PollFd{{Fd: 1 << 20, Events: unix.POLLIN}}
		if n, err := poll(closed, -1); n != 1 || err != nil || closed[0].Revents != unix.POLLNVAL {
			t.Errorf("%s of a closed descriptor: %d, %v, %+v", name, n, err, closed)
		}
	}
}

func TestReadWrite(t *testing.T) {
	p, b := pipe(t), make([]byte, 100)
	if n, err := Read(p[0], b); n != 0 || err != unix.EAGAIN {
		t.Errorf("Read from an empty pipe: %d, %v", n, err)
	}
	if n, err := Write(p[1], []byte("text")); n != 4 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if n, err := Read(p[0], nil); n != 0 || err != nil {
		t.Errorf("Read of nothing: %d, %v", n, err)
	}
	if n, err := Read(p[0], b[:3]); string(b[:n]) != "tex" || err != nil {
		t.Errorf("Read: %q, %v", b[:n], err)
	}
	if n, err := Read(p[0], b); string(b[:n]) != "t" || err != nil {
		t.Errorf("Read: %q, %v", b[:n], err)
	}

	much := bytes.Repeat([]byte("x"), 4<<20)
	n, err := Write(p[1], much)
	if n <= 0 || n >= len(much) || err != nil {
		t.Errorf("Write of more than fits: %d, %v", n, err)
	}
	if n, err := Write(p[1], much); n != 0 || err != unix.EAGAIN {
		t.Errorf("Write to a full pipe: %d, %v", n, err)
	}

	Close(p[1])
	p[1] = -1
	for got := 0; ; {
		m, err := Read(p[0], much)
		if err != nil {
			t.Fatal(err)
		}
		if got += m; m == 0 {
			if got != n {
				t.Errorf("%d bytes, %d were written", got, n)
			}
			break
		}
	}

	p = pipe(t)
	Close(p[0])
	if n, err := Write(p[1], []byte("x")); n != 0 || err != unix.EPIPE {
		t.Errorf("Write without a reader: %d, %v", n, err)
	}
	if n, err := Read(p[0], b); n != 0 || err != unix.EBADF {
		t.Errorf("Read from a closed descriptor: %d, %v", n, err)
	}
	p[0] = -1
}

func TestSetBlocking(t *testing.T) {
	p := pipe(t)
	SetBlocking(p[1])
	flags, err := unix.FcntlInt(uintptr(p[1]), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 || flags&unix.O_ACCMODE != unix.O_WRONLY {
		t.Errorf("flags %#x, %v", flags, err)
	}
	// The other end is another open file, and close-on-exec the descriptor's.
	if flags, err := unix.FcntlInt(uintptr(p[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags of the other end %#x, %v", flags, err)
	}
	if flags, err := unix.FcntlInt(uintptr(p[1]), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags of the descriptor %#x, %v", flags, err)
	}
}

func TestReap(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	var ru syscall.Rusage
	if pid, _, err := Reap(&ru); pid != 0 || err != unix.ECHILD {
		t.Errorf("without children: %d, %v", pid, err)
	}
	lives, dies := f.sh(t, "read x; exit 4"), f.sh(t, "exit 3")
	dies.ended(t)
	if pid, ws, err := Reap(&ru); pid != dies.pid || ws != exited(3) || err != nil {
		t.Errorf("of an ended child: %d, %#x, %v", pid, ws, err)
	}
	if ru.Maxrss == 0 {
		t.Errorf("usage %+v", ru)
	}
	if pid, ws, err := Reap(&ru); pid != 0 || ws != 0 || err != nil {
		t.Errorf("of a living child: %d, %#x, %v", pid, ws, err)
	}
	f.hold.Close()
	lives.ended(t)
	if pid, ws, err := Reap(nil); pid != lives.pid || ws != exited(4) || err != nil {
		t.Errorf("of the other: %d, %#x, %v", pid, ws, err)
	}
	if pid, _, err := Reap(nil); pid != 0 || err != unix.ECHILD {
		t.Errorf("afterwards: %d, %v", pid, err)
	}
}
