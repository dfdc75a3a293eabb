package shm

import (
	"cmp"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// holders corrects the list of the parties of a lock that is not l's own: of a free lock nobody is the
// holder, though who was still lives; and when the listed holder has ended, those
// that have inherited its open file are.
func (l *Lock) holders(list []Party) ([]Party, error) {
	held, err := l.Held()
	if err != nil {
		return nil, err
	}
	var waits []Party
	for _, p := range list {
		switch {
		case p.Role != Holds:
			waits = append(waits, p)
		case held:
			return list, nil
		}
	}
	if !held {
		return waits, nil
	}
	return append(l.heirs(), waits...), nil
}

// heirs returns the processes that have the lock through an inherited descriptor, as
// far as the caller may look into them. Since when is not known.
func (l *Lock) heirs() (list []Party) {
	for _, pid := range lockers(l.f, lockByte) {
		list = append(list, Party{Holds, pid, time.Time{}})
	}
	return list
}

// HeldAbove reports whether the lock name is held by this process or by one that has
// started it: to wait for it would be for ever. Either the descriptor has been
// inherited, or the listed holder is an ancestor, as not all inherit descriptors. What
// is above a process that outlives who has started it does not wait for this one.
func (d *Dir) HeldAbove(name string, outlives func(pid int) bool) (bool, error) {
	o, err := d.Open(name, KindLock)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer o.Close()
	l := &Lock{o}
	var st unix.Stat_t
	if err := unix.Fstat(int(l.f.Fd()), &st); err != nil {
		return false, err
	}
	if has, err := hasLock("self", st.Ino, lockByte); has || err != nil {
		return has, err
	}
	list, unknown := l.Parties()
	for _, p := range list {
		if p.Role != Holds {
			continue
		}
		above, err := isAncestor(p.PID, outlives)
		if above {
			return true, nil
		}
		unknown = cmp.Or(unknown, err)
	}
	return false, unknown
}

// isAncestor reports whether pid is this process or one of those above it, up to one
// that outlives its own. An *UnknownError: it is not among those that can be seen.
func isAncestor(pid int, outlives func(pid int) bool) (bool, error) {
	p, err := unix.Getpid(), error(nil)
	for p > 0 && p != pid && err == nil {
		if outlives(p) {
			return false, nil
		}
		p, err = parentOf(p)
	}
	return err == nil && p == pid, err
}
