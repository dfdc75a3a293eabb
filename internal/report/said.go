package report

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
)

// maxPart is how much of one line without its end is kept, in bytes: a filter that never
// ends it must not take all memory.
const maxPart = 1 << 20

// Said prints what the resident command of a worker writes to its stderr: whole
// lines, behind the worker's name, as they belong to no task.
func (r *Report) Said(worker int, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	part := append(r.said[worker], text...)
	end := bytes.LastIndexByte(text, '\n') + 1
	switch {
	case end > 0:
		end += len(part) - len(text)
	case len(part) > maxPart:
		end = len(part)
	default: // added to, not copied
		r.said[worker] = part
		return
	}
	for line := range bytes.Lines(part[:end]) {
		r.saidLine(worker, line)
	}
	r.err.flush()
	r.redraw()
	if rest := part[end:]; len(rest) > 0 {
		r.said[worker] = append([]byte(nil), rest...)
	} else {
		delete(r.said, worker)
	}
}

func (r *Report) saidLine(worker int, line []byte) {
	text := string(bytes.TrimSuffix(line, newline))
	if r.o.Screen {
		text = onScreen(text)
	}
	r.tell("mpx-worker-"+strconv.Itoa(worker)+": ", text)
}

// closeSaid prints what has no newline.
func (r *Report) closeSaid() {
	for _, worker := range slices.Sorted(maps.Keys(r.said)) {
		r.saidLine(worker, r.said[worker])
	}
	clear(r.said)
}
