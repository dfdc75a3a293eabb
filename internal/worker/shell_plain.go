package worker

import (
	"bytes"
	"slices"
	"strconv"

	"mpx/internal/task"
)

// A plainTask is what the shell is told once of the tasks of a template: all but
// the one word by which they differ, and their numbers.
type plainTask struct {
	script string
	args   []string
	word   int // of args: the one that changes; -1: there is no plain task
}

const (
	// plainMost is how long that word may be: a shell reads a byte in a third of
	// a microsecond, and opens a file in about twenty.
	plainMost = 40
	// plainMark stands for the word while the others are found out.
	plainMark = "mpx's mark"
)

// newPlainTask finds out what tmpl's tasks have in common, and returns the text
// that runs one, whose word is $mpx_v.
func newPlainTask(tmpl *task.Template, slot int) (p plainTask, text string) {
	script, args, err := tmpl.Script(&task.Task{Values: task.One([]byte(plainMark))}, slot)
	p = plainTask{script: script, args: args, word: slices.Index(args, plainMark)}
	if err != nil || p.word < 0 {
		return plainTask{word: -1}, ""
	}
	var b bytes.Buffer
	appendArgs(&b, args, p.word)
	b.WriteString("\n" + script + "\n")
	return p, b.String()
}

// fits reports whether a task is plain: what the shell knows of it is right, and
// read(1) gives back its word as it is, in any locale.
func (p *plainTask) fits(script string, args []string) bool {
	if p.word < 0 || len(args) != len(p.args) || script != p.script {
		return false
	}
	for i := range args {
		if i != p.word && args[i] != p.args[i] {
			return false
		}
	}
	w := args[p.word]
	if w == "" || len(w) > plainMost {
		return false
	}
	for i := range len(w) {
		if w[i] <= ' ' || w[i] > '~' {
			return false
		}
	}
	return true
}

// appendRequest appends the line that asks for the task.
func (p *plainTask) appendRequest(b []byte, t *task.Task, args []string) []byte {
	b = strconv.AppendUint(append(b, "r "...), t.Seq, 10)
	b = strconv.AppendUint(append(b, ' '), uint64(t.Attempt), 10)
	return append(append(append(b, ' '), args[p.word]...), '\n')
}
