package shm

import (
	"errors"
	"slices"
	"strconv"
)

// A takenSlot is a place, and the process that is listed there.
type takenSlot struct {
	place int
	id    identity
}

// holder returns the process at place i of the slots; the zero identity if there is none.
func (s *Sem) holder(i int) identity { return s.party(parties + i) }

// forget makes place i free. The guard must be held.
func (s *Sem) forget(i int) { s.leave(parties + i) }

// findFree returns a free place, if there are at least want free slots; else -1. The
// guard must be held. It looks no closer than to see who has been reaped: of others who
// have ended see endedHolders, which takes too long under the guard.
func (s *Sem) findFree(want int) (place int, err error) {
	size, room, err := s.bounds()
	if err != nil {
		return -1, err
	}
	for room > size && s.freed(room-1) {
		room--
	}
	s.room().Store(uint32(room))
	// As many free places as there are beyond size are no slots.
	want += room - size
	place = -1
	for k := range room {
		i := (int(s.next().Load()) + k) % room
		if !s.freed(i) {
			continue
		}
		if place < 0 && i < size {
			place = i
		}
		if want--; want == 0 {
			return place, nil
		}
	}
	return -1, nil
}

// freed reports whether place i is free, and makes that of who has been reaped so. The
// guard must be held.
func (s *Sem) freed(i int) bool {
	pid := s.holder(i).pid
	if pid != 0 && vacant(pid) {
		s.forget(i)
		step()
		pid = 0
	}
	return pid == 0
}

// take makes the free place i that of the process id. The guard must be held.
func (s *Sem) take(i int, id identity) {
	s.next().Store(uint32(i + 1))
	step()
	s.put(parties+i, id, Holds, 0)
}

// listed returns who have the places.
func (s *Sem) listed() (list []takenSlot, err error) {
	_, room, err := s.bounds()
	for i := range room {
		if id := s.holder(i); id.pid != 0 {
			list = append(list, takenSlot{i, id})
		}
	}
	return list, err
}

// endedHolders returns those who are listed and have ended.
func (s *Sem) endedHolders() []takenSlot {
	list, _ := s.listed()
	return slices.DeleteFunc(list, func(h takenSlot) bool { return !h.id.ended() })
}

// holders returns who have slots, those who have them longest first.
func (s *Sem) holders() (list []Party) {
	all, _ := s.listed()
	for _, h := range all {
		if !h.id.ended() {
			list = append(list, Party{Holds, h.id.pid, s.since(parties + h.place)})
		}
	}
	slices.SortStableFunc(list, func(a, b Party) int { return a.Since.Compare(b.Since) })
	return list
}

// ended reports whether the process is certain to have ended, all its threads too. One
// that may not be looked at counts as alive, as long as there is one of its pid.
func (id identity) ended() bool {
	// While a thread that is not the first becomes another command, the first is a
	// zombie for a moment, and what is read may be of both: not twice, which takes
	// another exec.
	for range 2 {
		if !id.looksEnded() {
			return false
		}
	}
	return true
}

func (id identity) looksEnded() bool {
	f, err := statOf(id.pid)
	switch {
	case err != nil:
		return errors.Is(err, errNoProcess)
	case string(f[19]) != strconv.FormatUint(id.start, 10):
		return true
	}
	// The first thread may be gone, the others going on.
	return f[0][0] == 'X' || f[0][0] == 'Z' && (string(f[17]) == "1" || string(f[17]) == "0")
}
