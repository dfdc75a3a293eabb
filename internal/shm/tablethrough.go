package shm

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Mark returns mark i: a word that is no part of a change, and only grows.
func (t *Table) Mark(i int) uint64 { return t.uint64At(tableMarks + 8*i).Load() }

// RaiseMark has mark i be v, unless it is more already.
func (t *Table) RaiseMark(i int, v uint64) {
	m := t.uint64At(tableMarks + 8*i)
	for old := m.Load(); old < v && !m.CompareAndSwap(old, v); old = m.Load() {
	}
}

// CountMark adds one to mark i.
func (t *Table) CountMark(i int) { t.uint64At(tableMarks + 8*i).Add(1) }

// TableTurns is how many turns a table has.
const TableTurns = 2

// InTurn calls f when it is this process's turn, of turn i: that is one after the other,
// and ends with the process. Where one that has the turn takes longer than patience, as it
// may have been stopped, f is called all the same, so it must not rely on being alone.
func (t *Table) InTurn(i int, patience time.Duration, f func() error) error {
	fd, err := t.awaitTurn(turnByte+int64(i), patience)
	if err == nil {
		defer unix.Close(fd) // which ends the turn
	}
	if err != nil && !errors.Is(err, ErrTimeout) {
		return err
	}
	return f()
}

// awaitTurn locks byte at by an open file of its own, so that the goroutines of this
// process take turns, too.
func (t *Table) awaitTurn(at int64, patience time.Duration) (int, error) {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", t.f.Fd()), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = setLock(uintptr(fd), at, unix.F_WRLCK, false); errors.Is(err, unix.EAGAIN) {
		got := make(chan error, 1)
		go func() { got <- setLock(uintptr(fd), at, unix.F_WRLCK, true) }()
		select {
		case err = <-got:
		case <-time.After(patience):
			go func() { <-got; unix.Close(fd) }() // what it gets now is nobody's
			return -1, ErrTimeout
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
