package shm

import (
	"errors"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// deadIdentity returns the identity of a process that has ended.
func deadIdentity(t *testing.T, d *Dir) identity {
	t.Helper()
	cmd, out := start(t, d, "wait", "ended")
	wantLine(t, out, "waits")
	id, err := identityOf(cmd.Process.Pid)
	noError(t, err)
	killed(t, cmd)
	if lives, err := id.lives(); lives || err != nil {
		t.Fatal("no identity of one that has ended: ", id, err)
	}
	return id
}

// becomes makes the party at place i another process.
func (o *Object) becomes(i int, id identity) {
	at := partyOffset + i*partySize
	o.uint32At(at + 4).Store(uint32(id.pid))
	o.uint64At(at + 8).Store(id.start)
}

// A barrierModel is a barrier as one would tell it: a list of those who have come
// and not gone yet.
type barrierModel struct {
	n      int
	broken bool
	in     []*modelParty
}

type modelParty struct {
	at      int // its place in the table
	verdict uint64
	dead    bool
}

// settle breaks the barrier if one who waits has died, and forgets the dead.
func (m *barrierModel) settle() {
	for _, p := range m.in {
		m.broken = m.broken || p.dead && p.verdict == waiting
	}
	if m.broken {
		m.judge(denied)
	}
	m.in = slices.DeleteFunc(m.in, func(p *modelParty) bool { return p.dead })
}

func (m *barrierModel) judge(verdict uint64) {
	for _, p := range m.in {
		if p.verdict == waiting {
			p.verdict = verdict
		}
	}
}

func (m *barrierModel) waiting() (n int) {
	for _, p := range m.in {
		if p.verdict == waiting {
			n++
		}
	}
	return n
}

// come adds a party, and lets all go on if it is the last.
func (m *barrierModel) come(p *modelParty) {
	m.in = append(m.in, p)
	if m.waiting() == m.n {
		m.judge(granted)
	}
}

// leaves says how one that looks, and may be over, goes. nil, false: it stays.
func (m *barrierModel) leaves(p *modelParty, over bool) (done bool, err error) {
	m.settle()
	if p.verdict == waiting && !over {
		return false, nil
	}
	m.in = slices.DeleteFunc(m.in, func(q *modelParty) bool { return q == p })
	switch p.verdict {
	case granted:
		return true, nil
	case denied:
		return true, ErrBroken
	}
	m.broken = true
	m.settle()
	return true, ErrTimeout
}

// The steps of a barrier, in any order, against the model: parties come, look, give
// up and die; it is reset; and who changes it is killed between any two stores.
func TestBarrierModel(t *testing.T) {
	d := testDir(t)
	dead := deadIdentity(t, d)
	rapid.Check(t, func(t *rapid.T) {
		m := &barrierModel{n: rapid.IntRange(1, 5).Draw(t, "n")}
		b, err := d.OpenBarrier("b", m.n)
		noError(t, err)
		defer b.Close()
		defer b.Remove() //nolint:errcheck // the next round would notice
		t.Repeat((&barrierRun{b, m, dead}).actions())
	})
}

// A barrierRun is a barrier and its model.
type barrierRun struct {
	*Barrier
	m    *barrierModel
	dead identity
}

func (r *barrierRun) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"come":                  r.come,
		"look":                  func(t *rapid.T) { r.look(t, false) },
		"give up":               func(t *rapid.T) { r.look(t, true) },
		"state":                 r.state,
		"reset":                 r.reset,
		"die":                   r.die,
		"come and be killed":    r.comeKilled,
		"give up and be killed": r.giveUpKilled,
		"reset and be killed":   r.resetKilled,
	}
}

// draw picks one of those who live and have not gone; nil: there is none.
func (r *barrierRun) draw(t *rapid.T) *modelParty {
	live := slices.DeleteFunc(slices.Clone(r.m.in), func(p *modelParty) bool { return p.dead })
	if len(live) == 0 {
		return nil
	}
	return rapid.SampledFrom(live).Draw(t, "party")
}

func (r *barrierRun) come(t *rapid.T) {
	if len(r.m.in) > MaxBarrier/2 {
		return
	}
	r.m.settle()
	at, before, err := r.arrive(os.Getpid(), Wait{})
	if r.m.broken {
		if !errors.Is(err, ErrBroken) {
			t.Fatal("came to a broken one: ", err)
		}
		return
	}
	if err != nil || before != r.m.waiting() {
		t.Fatalf("%d came before, %v; want %d", before, err, r.m.waiting())
	}
	r.m.come(&modelParty{at: at})
}

func (r *barrierRun) look(t *rapid.T, over bool) {
	p := r.draw(t)
	if p == nil {
		return
	}
	done, err := r.outcome(p.at, Wait{}, over)
	wantDone, want := r.m.leaves(p, over)
	if done != wantDone || !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("gone %v, %v; want %v, %v", done, err, wantDone, want)
	}
}

func (r *barrierRun) state(t *rapid.T) {
	r.m.settle()
	arrived, broken, err := r.State()
	if err != nil || arrived != r.m.waiting() || broken != r.m.broken {
		t.Fatalf("%d wait, broken %v, %v; want %d, %v", arrived, broken, err, r.m.waiting(), r.m.broken)
	}
	for _, p := range r.m.in {
		if got := r.ticketAt(p.at).verdict(); got != p.verdict {
			t.Fatalf("verdict %d at %d, want %d", got, p.at, p.verdict)
		}
	}
}

func (r *barrierRun) reset(t *rapid.T) {
	noError(t, r.Reset())
	r.m.settle()
	r.m.judge(denied)
	r.m.broken = false
}

func (r *barrierRun) die(t *rapid.T) {
	if p := r.draw(t); p != nil {
		p.dead = true
		r.becomes(p.at, r.dead)
	}
}

// comeKilled is arrive up to the store that says that a generation has passed.
func (r *barrierRun) comeKilled(t *rapid.T) {
	r.m.settle()
	noError(t, r.guarded(func() error {
		noError(t, r.settle())
		if r.isBroken() {
			return nil
		}
		last := r.arrived()+1 == r.N()
		at := r.enterAs(r.dead, Waits, uint64(newTicket(uint64(r.generation().Load()))))
		if last {
			r.uint32At(barrierPassed).Store(r.generation().Load() + 1)
		}
		r.m.come(&modelParty{at: at, dead: true})
		return nil
	}))
}

// giveUpKilled is outcome, of one that is over, up to the store that breaks the
// barrier.
func (r *barrierRun) giveUpKilled(t *rapid.T) {
	p := r.draw(t)
	r.m.settle()
	if p == nil || p.verdict != waiting {
		return
	}
	noError(t, r.guarded(func() error {
		noError(t, r.settle())
		r.leave(p.at)
		r.uint32At(barrierBroken).Store(1)
		return nil
	}))
	r.m.in = slices.DeleteFunc(r.m.in, func(q *modelParty) bool { return q == p })
	r.m.broken = true
}

// resetKilled is Reset up to one of its stores: the barrier is broken.
func (r *barrierRun) resetKilled(t *rapid.T) {
	steps := []func(){
		func() { r.uint32At(barrierBroken).Store(1) },
		func() { noError(t, r.settle()) },
		func() { r.generation().Add(1) },
	}
	r.m.settle()
	noError(t, r.guarded(func() error {
		noError(t, r.settle())
		for _, step := range steps[:rapid.IntRange(1, len(steps)).Draw(t, "steps")] {
			step()
		}
		return nil
	}))
	r.m.broken = true
}
