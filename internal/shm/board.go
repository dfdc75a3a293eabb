package shm

import (
	"os"
	"sync/atomic"
)

// A Board is what a worker shows its supervisor without a message: one line
// that says what it is doing, and its outbox. Only the worker writes it; the
// supervisor reads it at any time, and above all when the worker is dead.
//
//	0      state    what the worker does, see State
//	8      seq      the task it is on
//	16     attempt  of that task
//	24     group    process group of that task's command, 0 before it runs
//	32     start    when the task started, ns since 1970
//	40     done     how many tasks have ended
//	48     holds    1 while the worker holds a token of make's jobserver
//	56     token    that token, one byte
//	64     base     position in the result stream of the outbox's first byte
//	72     end      position after its last committed byte
//	80     resident memory of the processes that stay from task to task, in bytes
//	4096   outbox   OutboxSize bytes
//
// The words of the line are stored one by one: a reader that needs several of
// them of a living worker reads seq before and after.
type Board struct {
	region *Region

	State   *atomic.Uint64
	Seq     *atomic.Uint64
	Attempt *atomic.Uint64
	Group   *atomic.Uint64
	Start   *atomic.Uint64
	Done    *atomic.Uint64
	// Resident is 0 where nobody looks: see the configuration's MaxMemory.
	Resident *atomic.Uint64

	holds *atomic.Uint64
	slot  []byte // the one of the token

	base, end *atomic.Uint64
	outbox    []byte
}

// What a worker does.
const (
	Starting uint64 = iota
	Idle            // waits for a task
	Busy            // runs the task of seq and attempt
)

// Sizes of a board, in bytes.
const (
	outboxOffset = 4096
	OutboxSize   = 256 << 10
	boardSize    = outboxOffset + OutboxSize
)

// CreateBoard makes a board. The file is for the worker; the caller closes it.
func CreateBoard() (*Board, *os.File, error) {
	r, f, err := Create("mpx-board", boardSize)
	if err != nil {
		return nil, nil, err
	}
	return newBoard(r), f, nil
}

// OpenBoard maps the board behind fd.
func OpenBoard(fd int) (*Board, error) {
	r, err := Map(fd, boardSize)
	if err != nil {
		return nil, err
	}
	return newBoard(r), nil
}

func newBoard(r *Region) *Board {
	return &Board{
		region: r,
		State:  r.uint64At(0), Seq: r.uint64At(8), Attempt: r.uint64At(16),
		Group: r.uint64At(24), Start: r.uint64At(32), Done: r.uint64At(40), Resident: r.uint64At(80),
		holds: r.uint64At(48), slot: r.b[56:57],
		base: r.uint64At(64), end: r.uint64At(72),
		outbox: r.b[outboxOffset:],
	}
}

// Close unmaps b.
func (b *Board) Close() error { return b.region.Close() }

// Rest returns, of a dead worker, the part of the result stream after its
// first received bytes: what the worker committed and never wrote. The slice
// is valid until Close. It is empty when the board makes no sense, which a
// worker cannot bring about by dying.
func (b *Board) Rest(received uint64) []byte {
	base, end := b.base.Load(), b.end.Load()
	if received < base || received > end || end-base > OutboxSize {
		return nil
	}
	return b.outbox[received-base : end-base]
}

// An Outbox is the worker's end of the result stream. A frame counts as sent
// when it is committed: from then on it survives the worker.
type Outbox struct {
	b    *Board
	base uint64
	sent int // bytes of the outbox that have been written to the pipe
	fill int // bytes that have been committed
}

// NewOutbox returns the outbox of b, for the one worker that owns b.
func (b *Board) NewOutbox() *Outbox { return &Outbox{b: b} }

// Room returns how many bytes can be committed now.
func (o *Outbox) Room() int { return OutboxSize - o.fill }

// Pending returns how many committed bytes have not been written.
func (o *Outbox) Pending() int { return o.fill - o.sent }

// Append lets f append to the outbox and commits what it did. f must not add
// more than Room bytes.
func (o *Outbox) Append(f func([]byte) []byte) {
	b := f(o.b.outbox[o.fill:o.fill:OutboxSize])
	if len(b) > OutboxSize-o.fill || len(b) > 0 && &b[0] != &o.b.outbox[o.fill] {
		panic("bug: outbox overrun")
	}
	o.fill += len(b)
	o.b.end.Store(o.base + uint64(o.fill))
}

// Flush writes what is pending, as far as write takes it.
func (o *Outbox) Flush(write func([]byte) (int, error)) error {
	for o.sent < o.fill {
		n, err := write(o.b.outbox[o.sent:o.fill])
		if n > 0 {
			o.sent += n
		}
		if err != nil {
			return err
		}
	}
	o.rewind()
	return nil
}

// rewind starts at the front again once all has been written, so that a worker
// with little to say touches little memory. base moves first: a kill in
// between leaves base = end, which says that nothing waits.
func (o *Outbox) rewind() {
	o.base += uint64(o.fill)
	o.sent, o.fill = 0, 0
	o.b.base.Store(o.base)
}
