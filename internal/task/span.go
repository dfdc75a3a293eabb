package task

import "bytes"

// N returns of how many tasks t consists: its records if it is a span, else 1.
func (t *Task) N() int { return max(t.Records, 1) }

// Cut removes the first n records, 0 < n < t.N(), from the span t and returns
// them. delim ends each record.
func (t *Task) Cut(n int, delim byte) Task {
	head := *t
	end := EndOf(t.Stdin, n, delim)
	head.Records, head.Stdin = n, t.Stdin[:end:end]
	t.Seq, t.Index = t.Seq+uint64(n), t.Index+uint64(n)
	t.Records, t.Stdin = t.Records-n, t.Stdin[end:]
	return head
}

// EndOf returns where the first n records of b end, each of which delim ends.
func EndOf(b []byte, n int, delim byte) (end int) {
	for range n {
		end += bytes.IndexByte(b[end:], delim) + 1
	}
	return end
}

// Spans makes spans, of about size bytes and with delim after each record, of
// tasks that are a record each. One whose record holds delim stays as it is.
func Spans(tasks []Task, size int, delim byte) []Task {
	var all []Task
	for i := range tasks {
		t := &tasks[i]
		record := t.Values.At(0)
		if bytes.IndexByte(record, delim) >= 0 {
			all = append(all, *t)
			continue
		}
		k := len(all) - 1
		if k < 0 || all[k].Records == 0 || all[k].Records == maxSpan || len(all[k].Stdin)+len(record) >= size {
			all = append(all, Task{FromStdin: true})
			k++
		}
		all[k].Stdin = append(append(all[k].Stdin, record...), delim)
		all[k].Records++
	}
	return all
}

// Single makes a span of one record a task whose value that record is.
func (t *Task) Single() {
	if t.Records == 0 {
		return
	}
	t.Values = One(t.Stdin[:len(t.Stdin)-1])
	t.Records, t.Stdin, t.FromStdin = 0, nil, false
}
