package report

import "mpx/internal/task"

// maxTail is how much of the stderr of a task that writes in pieces is kept
// for the records, in bytes. Its pieces are printed and gone when it fails.
const maxTail = 4 << 10

func (l *lane) keepTail(p []byte) {
	l.tail = append(l.tail, p[max(0, len(p)-maxTail):]...)
	if len(l.tail) > 2*maxTail { // not at each piece
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTail:]...)
	}
}

// liveTail returns what is kept of res's stderr.
func (r *Report) liveTail(res *task.Result) []byte {
	if l := r.lanes[res.Seq]; l != nil && l.attempt == res.Attempt {
		return l.tail[max(0, len(l.tail)-maxTail):]
	}
	return nil
}

// bringTail puts tail before what res itself brought of its stderr, which has
// been printed: the records then see the end of the whole.
func (r *Report) bringTail(res *task.Result, tail []byte) error {
	if len(tail) == 0 {
		return nil
	}
	rest, err := res.Stderr.Tail(maxTail)
	res.Stderr.Release()
	res.Stderr = task.Bytes(append(tail, rest...))
	return err
}
