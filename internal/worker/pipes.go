package worker

import (
	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// pipes are the two that take a task's stdout and stderr. They are kept for the
// next task, which is right only when nothing of the last one can hold them.
type pipes struct {
	inherit [2]int // descriptors of the worker that tasks get instead; 0: none
	r, w    [2]int
}

func (p *pipes) open() error {
	for i := range p.r {
		p.r[i], p.w[i] = -1, -1
		if p.inherit[i] != 0 {
			continue
		}
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return err
		}
		if err := unix.SetNonblock(fds[0], true); err != nil {
			return err
		}
		p.r[i], p.w[i] = fds[0], fds[1]
	}
	return nil
}

// stdoutFD returns what is to be j's stdout. The initializer's goes to stderr:
// stdout is for results.
func (p *pipes) stdoutFD(j *job) int {
	if j.Seq == 0 {
		return p.stderrFD()
	}
	return p.fd(0)
}

func (p *pipes) stderrFD() int { return p.fd(1) }

func (p *pipes) fd(i int) int {
	if p.inherit[i] != 0 {
		return p.inherit[i]
	}
	proc.SetBlocking(p.w[i]) // the last task may have changed it
	return p.w[i]
}

// watch appends the two read ends; absent ones are ignored by poll.
func (p *pipes) watch(fds []unix.PollFd) []unix.PollFd {
	return append(fds, unix.PollFd{Fd: int32(p.r[0]), Events: unix.POLLIN}, unix.PollFd{Fd: int32(p.r[1]), Events: unix.POLLIN})
}

// pump moves what stream (1 stdout, 2 stderr) holds, once, into the outbox. It
// returns how much that was, and whether there may be more.
func (s *session) pump(p *pipes, j *job, stream int) (n int, more bool) {
	n, more, _ = s.move(p.r[stream-1], ipc.Out{Seq: j.Seq, Attempt: j.Attempt, Stream: uint8(stream)})
	return n, more
}

// move moves what fd holds, once, into the outbox, as a piece like o. It returns
// how much that was, whether there may be more, and the error of the read: nil
// with 0 bytes, and room for some, is the end.
func (s *session) move(fd int, o ipc.Out) (n int, more bool, err error) {
	size := min(s.out.Room()-reserve, ipc.MaxPiece)
	if fd < 0 || size <= 0 {
		return 0, fd >= 0, nil
	}
	s.commit(func(b []byte) []byte {
		return o.Fill(b, size, func(d []byte) int {
			n, err = proc.Read(fd, d)
			more = n == len(d)
			return n
		})
	})
	return n, more, err
}

// drainPipes moves all that the pipes hold now into the outbox.
func (s *session) drainPipes(p *pipes, j *job) {
	for stream := 1; stream <= 2; stream++ {
		for more := true; more; {
			if s.makeRoom() != nil {
				return // the loop finds out by itself
			}
			_, more = s.pump(p, j, stream)
		}
	}
}

// makeRoom has the outbox take a piece, though the supervisor be slow.
func (s *session) makeRoom() error {
	if s.out.Room() < 2*reserve {
		return s.drain()
	}
	return nil
}
