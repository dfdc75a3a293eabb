package worker

import (
	"fmt"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// tokens is what a worker has to do with make's jobserver. It takes and gives
// its token itself rather than have its supervisor do it: when one of the two
// is killed, the other one can still give the token back. The token stands on
// the board.
//
// It is the loop's alone, also beside a computer: there the loop holds the
// session whenever it is not waiting, and no one else comes near it.
type tokens struct {
	server *proc.Jobserver // nil: there is none
	wanted bool            // TOKEN came, and neither GOT nor DROP has followed
	number uint32          // of that TOKEN
}

func (s *session) openJobserver() (err error) {
	if s.cfg.Jobserver != "" {
		s.tokens.server, err = proc.OpenJobserver(s.cfg.Jobserver)
	}
	return err
}

// account carries out TOKEN and DROP.
func (s *session) account(kind ipc.Kind, body []byte) error {
	if kind == ipc.KindDrop {
		if err := ipc.ParseEmpty(body); err != nil {
			return err
		}
		return s.dropToken()
	}
	number, err := ipc.ParseToken(body)
	if err != nil {
		return err
	}
	if s.tokens.server == nil {
		return fmt.Errorf("%w: TOKEN without a jobserver", ipc.ErrMalformed)
	}
	if _, held := s.board.Token(); held || s.tokens.wanted {
		return fmt.Errorf("%w: TOKEN after TOKEN", ipc.ErrMalformed)
	}
	s.tokens.wanted, s.tokens.number = true, number
	return nil
}

// wantsToken reports whether a token is wanted and of use.
func (s *session) wantsToken() bool {
	return s.tokens.wanted && !s.paused && !s.stopped && !s.leaving
}

// watchTokens appends the jobserver while a token is wanted.
func (s *session) watchTokens(fds []unix.PollFd) []unix.PollFd {
	if !s.wantsToken() || s.out.Room() < 2*reserve { // it is to be told, too
		return fds
	}
	return append(fds, unix.PollFd{Fd: int32(s.tokens.server.FD()), Events: unix.POLLIN})
}

// takeToken takes a token, if one is still free and wanted, and says so at
// once: a task waits for it. fds are what watchTokens had added before the wait.
func (s *session) takeToken(fds []unix.PollFd) error {
	if len(fds) == 0 || fds[0].Revents == 0 || !s.wantsToken() {
		return nil
	}
	ok, err := s.board.TakeToken(s.tokens.server.Take)
	if err != nil || !ok {
		return err
	}
	s.tokens.wanted = false
	s.commit(func(b []byte) []byte { return ipc.AppendGot(b, s.tokens.number) })
	return s.flush()
}

// dropToken gives back the token that this worker holds, or stops waiting.
func (s *session) dropToken() error {
	s.tokens.wanted = false
	if s.tokens.server == nil {
		return nil
	}
	return s.board.ReturnToken(s.tokens.server.Give)
}
