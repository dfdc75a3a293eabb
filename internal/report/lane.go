package report

import (
	"bytes"
	"maps"
	"slices"

	"mpx/internal/task"
)

// A lane is what a task whose output comes in pieces has not printed yet.
type lane struct {
	seq     uint64
	attempt uint32
	tag     []byte
	out     laneStream
	err     laneStream
	tail    []byte // the end of its stderr, for the records
}

type laneStream struct {
	part task.Output // the beginning of a line whose end has not come
	held task.Output // waits for the task's turn
	all  task.Output // everything, for the results directory
	size int64       // of everything, in bytes
}

func (l *lane) stream(stderr bool) *laneStream {
	if stderr {
		return &l.err
	}
	return &l.out
}

// lane returns t's lane, empty when this attempt has written nothing yet.
func (r *Report) lane(t *task.Task, slot int) *lane {
	l := r.lanes[t.Seq]
	if l != nil && l.attempt == t.Attempt {
		return l
	}
	if l != nil {
		r.dropLane(l)
	}
	l = &lane{seq: t.Seq, attempt: t.Attempt}
	if r.o.Tag != nil {
		l.tag = bytes.Clone(r.o.Tag(t, slot))
	}
	r.lanes[t.Seq] = l
	return l
}

// dropLane forgets what l has not printed.
func (r *Report) dropLane(l *lane) {
	for _, s := range []*laneStream{&l.out, &l.err} {
		s.part.Release()
		s.held.Release()
		s.all.Release()
	}
	delete(r.lanes, l.seq)
}

func (r *Report) openLanes() []uint64 { return slices.Sorted(maps.Keys(r.lanes)) }
