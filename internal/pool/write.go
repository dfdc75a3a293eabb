package pool

import (
	"io"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// write is the goroutine that sends messages, in order, until the worker is
// gone.
func (w *worker) write() {
	b := ipc.AppendConfig(nil, w.config())
	for {
		w.mu.Lock()
		for len(w.outbox) == 0 && len(b) == 0 && !w.gone {
			w.more.Wait()
		}
		todo, f := w.outbox, w.requests
		w.outbox = nil
		gone := w.gone
		w.mu.Unlock()
		if gone {
			return
		}
		var err error
		for i := range todo {
			if b, err = encode(f, b, &todo[i]); err != nil {
				return // its end is the reader's to find
			}
		}
		if _, err = f.Write(b); err != nil {
			return
		}
		b = b[:0]
	}
}

// writeAt is how many bytes are gathered before they are written.
const writeAt = 64 << 10

// encode appends m to b, which it writes to f as it grows.
func encode(f io.Writer, b []byte, m *message) ([]byte, error) {
	var err error
	for i := range m.items {
		if b, err = encodeTask(f, b, &m.items[i].Task); err != nil {
			return b, err
		}
	}
	if m.recall > 0 {
		b = ipc.AppendRecall(b, m.recall)
	}
	if m.limit > 0 {
		b = ipc.AppendLimit(b, int64(m.limit))
	}
	if m.token > 0 {
		b = ipc.AppendToken(b, m.token)
	}
	if m.stop != 0 {
		b = ipc.AppendStop(b, int(m.stop), int64(m.grace))
	}
	for _, e := range []struct {
		on   bool
		kind ipc.Kind
	}{{m.drop, ipc.KindDrop}, {m.pause, ipc.KindPause}, {m.resume, ipc.KindResume}, {m.proceed, ipc.KindProceed}, {m.retire, ipc.KindRetire}} {
		if e.on {
			b = ipc.AppendEmpty(b, e.kind)
		}
	}
	return b, nil
}

// encodeTask appends t in pieces.
func encodeTask(f io.Writer, b []byte, t *task.Task) ([]byte, error) {
	p := ipc.TaskPiece{Seq: t.Seq, Attempt: t.Attempt, Stdin: t.FromStdin, Span: t.Records > 0}
	parts := [2][]byte{nil, t.Stdin}
	if size := t.Values.WireSize(); size+len(t.Stdin) <= ipc.MaxPiece {
		p.Last = true
		var mark int
		b, mark = p.Begin(b)
		b = ipc.Finish(append(t.Values.AppendWire(b), t.Stdin...), mark)
		return flushAt(f, b, writeAt)
	}
	parts[0] = t.Values.AppendWire(nil)
	for i, part := range parts {
		for first := true; first || len(part) > 0; first = false {
			n := min(len(part), ipc.MaxPiece)
			p.Data, part = part[:n], part[n:]
			p.Last = i == 1 && len(part) == 0
			b = p.Append(b)
			var err error
			if b, err = flushAt(f, b, writeAt); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

func flushAt(f io.Writer, b []byte, size int) ([]byte, error) {
	if len(b) < size {
		return b, nil
	}
	_, err := f.Write(b)
	return b[:0], err
}
