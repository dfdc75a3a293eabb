package shm

import (
	"cmp"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Role is what a party of an object does.
type Role uint32

// The roles.
const (
	Holds Role = 1
	Waits Role = 2
	// Sleeps is to wait for a notification of a condition.
	Sleeps Role = 3
)

func (r Role) String() string { return [...]string{"", "holds", "waits", "sleeps"}[r] }

// A Party is a process that holds an object, or waits for it.
type Party struct {
	Role  Role
	PID   int
	Since time.Time
}

// The table of parties says who they are, for mpx ls and for those who must not
// wait for the dead: each entry is its role, which is stored last, and a process.
// It has room for 128; who finds none is not listed.
//
//	0  role (u32)    8  start of the process (u64)
//	4  pid (u32)    16  since (ns since 1970, u64)
//	                24  the kind's own (u64)
const (
	partySize = 32
	parties   = (dataOffset - partyOffset) / partySize
)

// waiters is the first place of those who wait: however many they are, there is
// room for who holds.
const waiters = parties / 4

// enter lists the process pid in role, and returns its place; -1: there is none.
// The guard must be held.
func (o *Object) enter(pid int, role Role, own uint64) int {
	id, err := me()
	if pid != id.pid {
		id, err = identityOf(pid)
	}
	if err != nil {
		return -1
	}
	return o.enterAs(id, role, own)
}

func (o *Object) enterAs(id identity, role Role, own uint64) int {
	first := 0
	switch role {
	case Waits:
		first = waiters
	case Sleeps: // whatever waits for the lock, there is room; one place is its holder's
		first = 1
	}
	for i := first; i < parties; i++ {
		if !vacant(o.party(i).pid) || o.missed(i) {
			continue
		}
		o.put(i, id, role, own)
		return i
	}
	return -1
}

// put lists the process at place i, whose entry is of no meaning before the last store.
// The guard must be held.
func (o *Object) put(i int, id identity, role Role, own uint64) {
	at := partyOffset + i*partySize
	o.uint32At(at).Store(0)
	step()
	o.uint32At(at + 4).Store(uint32(id.pid))
	step()
	o.uint64At(at + 8).Store(id.start)
	o.uint64At(at + 16).Store(uint64(time.Now().UnixNano()))
	o.uint64At(at + 24).Store(own)
	step()
	o.uint32At(at).Store(uint32(role))
	step()
}

// step is called between the changes that a sem goes through, where a test ends the
// process.
var step = func() {}

// vacant reports whether a place may be taken from pid. To look at its start, too,
// would take a hundred times as long, under the guard; a pid that has come again
// keeps the place, which is all that is lost.
func vacant(pid int) bool {
	return pid == 0 || errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// missed reports whether the party at place i must not be forgotten before its death
// has had its effect: it waits at a barrier, which that breaks.
func (o *Object) missed(i int) bool { return o.Kind == KindBarrier && o.waits(i, Waits) }

// dismiss takes all parties in role off the list. The guard must be held.
func (o *Object) dismiss(role Role) {
	for i := range parties {
		if o.role(i) == role {
			o.leave(i)
		}
	}
}

// role returns what the party at place i does; 0: there is none.
func (o *Object) role(i int) Role { return Role(o.uint32At(partyOffset + i*partySize).Load()) }

// leave takes the party at place i off the list: that of this process, as nobody
// else takes the place of one that lives, or any, when the guard is held.
func (o *Object) leave(i int) {
	if i >= 0 {
		o.uint32At(partyOffset + i*partySize).Store(0)
	}
}

// party returns the process at place i; the zero identity if there is none.
func (o *Object) party(i int) (id identity) {
	at := partyOffset + i*partySize
	if o.uint32At(at).Load() == 0 {
		return id
	}
	return identity{int(o.uint32At(at + 4).Load()), o.uint64At(at + 8).Load()}
}

// since returns since when the party at place i is listed.
func (o *Object) since(i int) time.Time {
	return time.Unix(0, int64(o.uint64At(partyOffset+i*partySize+16).Load()))
}

// Parties returns who holds o and who waits for it, as far as they live. An
// *UnknownError: of one or more that cannot be told; the others are in list.
func (o *Object) Parties() (list []Party, err error) {
	var unknown error
	add := func(p Party, lives bool, err error) {
		if lives {
			list = append(list, p)
		}
		unknown = cmp.Or(unknown, err)
	}
	err = o.guarded(func() error {
		for i := range parties {
			role, id := o.role(i), o.party(i) // it may be about to leave
			if role == 0 || id.pid == 0 {
				continue
			}
			lives, err := id.lives()
			add(Party{min(role, Sleeps), id.pid, o.since(i)}, lives, err)
		}
		switch o.Kind {
		case KindSem:
			list = append((&Sem{o}).holders(), list...)
		case KindQueue:
			(&Table{o, tableRows(o)}).holders(add)
		case KindPool:
			(&Pool{o}).holders(add)
		}
		return nil
	})
	if err == nil && o.Kind == KindLock {
		list, err = (&Lock{o}).holders(list)
	}
	return list, cmp.Or(err, unknown)
}
