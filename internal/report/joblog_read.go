package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotJoblog is OpenJoblog's error for a file of another kind, which it must
// not touch.
var ErrNotJoblog = errors.New("the file is no joblog: its first line is another")

// read goes through an existing joblog and returns where its last whole line
// ends. With successes it counts them.
func (l *Joblog) read(successes bool, ok []int) (end int64, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(l.f, 0, 1<<62), 256<<10)
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		torn := err != nil
		switch {
		case torn && err != io.EOF:
			return 0, err
		case first && torn && strings.HasPrefix(joblogHeader, string(line)):
			return 0, nil
		case first && string(line) != joblogHeader:
			return 0, ErrNotJoblog
		case torn:
			return end, nil
		}
		end += int64(len(line))
		if !first && successes {
			l.count(line[:len(line)-1], ok)
		}
	}
}

// count takes in one line. One that takes a success back takes one of its command: of
// several tasks with one command nobody needs to know which it was.
func (l *Joblog) count(line []byte, ok []int) {
	f := bytes.SplitN(line, []byte{'\t'}, joblogFields)
	if len(f) < joblogFields {
		l.Odd++
		return
	}
	exit, err1 := strconv.Atoi(string(f[6]))
	signal, err2 := strconv.Atoi(string(f[7]))
	if _, err := strconv.ParseUint(string(f[0]), 10, 64); err != nil || err1 != nil || err2 != nil {
		l.Odd++
		return
	}
	switch key := joblogKey(f[8]); {
	case signal == 0 && exit == -1 && l.done[key] > 0: // see takeBack
		l.done[key]--
	case signal == 0 && slices.Contains(ok, exit):
		l.done[key]++
	}
}

const (
	// joblogPatience is how long the workers of a run that was killed may take
	// to end their tasks, before the next run gives up on its joblog.
	joblogPatience = 10 * time.Second
	joblogPause    = 10 * time.Millisecond
)

// lockJoblog makes f this run's. Two locks do it: a record lock, which tells the
// pid of its holder and is gone with it, and one on the open file, which the
// workers share: it is free when the last one is gone, and with it its task.
func lockJoblog(f *os.File) error {
	lk := unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lk)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk); err == nil && lk.Type != unix.F_UNLCK {
			return &JoblogInUse{int(lk.Pid)}
		}
		return &JoblogInUse{}
	}
	if err != nil {
		return fmt.Errorf("lock it: %w", err)
	}
	for end := time.Now().Add(joblogPatience); ; time.Sleep(joblogPause) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if time.Now().After(end) {
			return errors.New("workers of the run before, which was killed, are still ending their tasks")
		}
	}
}
