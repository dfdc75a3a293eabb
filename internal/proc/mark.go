package proc

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// A Mark is what the processes of one worker or one command are known by. It stands in
// the environment of the first of them, and all that they start have it from there.
type Mark string

// markVariable holds marks, the outermost first, with a colon between two: a run of mpx
// inside a task of another adds its own, and what that task is known by stays.
const markVariable = "_MPX="

// The marks of this process begin with a number that no other process has.
var (
	markPrefix = strconv.FormatUint(rand.Uint64(), 36) + "."
	markNumber atomic.Uint64
)

// NewMark returns a mark that nobody has yet.
func NewMark() Mark { return Mark(markPrefix + strconv.FormatUint(markNumber.Add(1), 10)) }

// MadeHere reports whether m is of this process's making.
func (m Mark) MadeHere() bool { return strings.HasPrefix(string(m), markPrefix) }

// In returns a copy of env in which m is the innermost mark.
func (m Mark) In(env []string) []string {
	marked := make([]string, 0, len(env)+1)
	line := markVariable
	for _, v := range env {
		if !strings.HasPrefix(v, markVariable) {
			marked = append(marked, v)
		} else if len(v) > len(markVariable) {
			line = v + ":"
		}
	}
	return append(marked, line+string(m))
}

// MarksOf returns the marks of process pid. It has none if it was started without the
// environment of its parent. known is false if there is no environment to be read: in the
// midst of its exec and from its end on a process has none, of another user's there is
// nothing to be seen.
func MarksOf(pid int) (marks []Mark, known bool) {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if list, ok := bytes.CutPrefix(v, []byte(markVariable)); ok {
			for m := range strings.SplitSeq(string(list), ":") {
				marks = append(marks, Mark(m))
			}
		}
	}
	return marks, err == nil && len(env) > 0
}

// has reports whether process pid has the mark m, whether it has another that was made
// here, and whether that is sure.
func (m Mark) has(pid int) (this, another, known bool) {
	marks, known := MarksOf(pid)
	return slices.Contains(marks, m), slices.ContainsFunc(marks, Mark.MadeHere), known
}
