package shm

import (
	"errors"
	"os"
	"path/filepath"
)

// A Pool is the record of a named pool: who its supervisor is, which alone writes
// here, and how far it is. Tasks and results are not here: whoever wants something
// of a pool talks to its supervisor, by the socket in its Side.
//
//	starting ──▶ running ──close──▶ closing ──▶ ended
//	                └────────terminate────────▶   │
//	                                              ▼ no result waits: the name is taken away
//
// A supervisor that is killed leaves any of these behind. That is lost, which nobody
// writes, and everybody sees by the supervisor's identity.
//
//	64  state (u32)                    72  start of the supervisor (u64)
//	68  pid of the supervisor (u32)
type Pool struct{ *Object }

const (
	poolState      = ownOffset
	poolSupervisor = ownOffset + 4
	poolStart      = ownOffset + 8
)

// PoolState is how far a pool is.
type PoolState uint32

// The states. A file has all but the last.
const (
	PoolStarting PoolState = iota
	PoolRunning
	PoolClosing // no new tasks; the rest is done, or ended
	PoolEnded   // no worker is left; results wait
	PoolLost
)

func (s PoolState) String() string {
	return [...]string{"starting", "running", "closing", "ended", "lost"}[s]
}

// MakePool makes the record of a pool whose supervisor is the caller. It is starting.
// Before anybody can see it, prepare is called with its Side made: what it opens
// there can be used as soon as there is a pool of that name. What is left of pools of
// the name whose supervisors were killed is removed. ErrExists: there is one.
func (d *Dir) MakePool(name string, prepare func(side string) error) (*Pool, error) {
	self, err := me()
	if err != nil {
		return nil, err
	}
	for {
		var side string
		var failed error
		o, err := d.Make(name, KindPool, 0, func(o *Object) {
			o.uint32At(poolSupervisor).Store(uint32(self.pid))
			o.uint64At(poolStart).Store(self.start)
			side = o.Side()
			if failed = os.Mkdir(side, 0o700); failed == nil {
				failed = prepare(side)
			}
		})
		if err == nil {
			// What is not removed now the next pool will: it may be another's who is
			// about to find that the name is taken.
			_ = o.Tidy()
			_, gone := os.Lstat(side)
			if failed == nil && gone == nil {
				return &Pool{o}, nil
			}
			if err = errors.Join(o.unlink(), o.Close()); err == nil && gone != nil {
				continue // one that was tidying up, and is gone by now, took side for a leftover
			}
			return nil, errors.Join(failed, err)
		}
		if side != "" {
			_ = os.RemoveAll(side)
		}
		if !errors.Is(err, ErrExists) || !d.removeLost(name) {
			return nil, err
		}
	}
}

// removeLost removes the pool name if its supervisor was killed, and reports whether
// the name may be free now.
func (d *Dir) removeLost(name string) bool {
	p, err := d.OpenPool(name)
	if err != nil {
		return errors.Is(err, ErrNotExist)
	}
	defer p.Close()
	err = p.Remove()
	return err == nil || errors.Is(err, ErrRemoved)
}

// OpenPool opens the record of the pool name.
func (d *Dir) OpenPool(name string) (*Pool, error) {
	o, err := d.Open(name, KindPool)
	if err != nil {
		return nil, err
	}
	return &Pool{o}, nil
}

// Set says how far the pool is.
func (p *Pool) Set(s PoolState) error {
	return p.touching(func() error {
		p.uint32At(poolState).Store(uint32(s))
		return nil
	})
}

// Discard takes the name away, with all that is in the pool's Side. It is for its
// supervisor, which is about to leave.
func (p *Pool) Discard() error { return p.unlink() }

// Look returns how far the pool is, and the pid of its supervisor.
func (p *Pool) Look() (s PoolState, supervisor int, err error) {
	err = p.touching(func() (err error) {
		s, err = p.look()
		supervisor = p.supervisor().pid
		return err
	})
	return s, supervisor, err
}

// Over reports whether the supervisor has said that the last worker is gone, whatever
// has become of it since.
func (p *Pool) Over() (over bool) {
	_ = p.touching(func() error { // what is damaged is not
		over = PoolState(p.uint32At(poolState).Load()) == PoolEnded
		return nil
	})
	return over
}

func (p *Pool) look() (PoolState, error) {
	s := PoolState(p.uint32At(poolState).Load())
	if s >= PoolLost {
		return s, ErrDamaged
	}
	lives, err := p.supervisor().lives()
	if err == nil && !lives {
		s = PoolLost
	}
	return s, err
}

func (p *Pool) supervisor() identity {
	return identity{int(p.uint32At(poolSupervisor).Load()), p.uint64At(poolStart).Load()}
}

// mayGo returns ErrRunning while there is a supervisor, who alone may take the name
// away. The guard must be held.
func (p *Pool) mayGo() error {
	lives, err := p.supervisor().lives()
	if lives {
		err = ErrRunning
	}
	return err
}

// holders adds the supervisor.
func (p *Pool) holders(add func(p Party, lives bool, err error)) {
	lives, err := p.supervisor().lives()
	add(Party{Holds, p.supervisor().pid, p.Made()}, lives, err)
}

// LogPath returns the file that has what the pool's supervisor has to say. It goes
// with the name.
func (p *Pool) LogPath() string { return filepath.Join(p.Side(), "log") }

func poolText(o *Object) (string, error) {
	s, err := (&Pool{o}).look()
	if err != nil {
		return "", err
	}
	if s == PoolLost {
		return "lost: its supervisor was killed", nil
	}
	return s.String(), nil
}
