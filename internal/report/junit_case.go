package report

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"mpx/internal/task"
)

// What a case tells of a task at most, in bytes.
const (
	maxCaseName   = 1 << 10
	maxCaseOutput = 64 << 10 // of each stream
)

// appendCase appends res's test case.
func (j *JUnit) appendCase(b []byte, res *task.Result) (_ []byte, err error) {
	b = append(b, `<testcase classname="`...)
	b = appendXML(b, j.class, true)
	b = append(b, `" name="`...)
	b = appendXML(b, j.caseName(res), true)
	b = fmt.Appendf(b, `" time="%.6f">`, res.Elapsed.Seconds())
	if res.Attempt > 1 {
		b = fmt.Appendf(b, `<properties><property name="attempts" value="%d"/></properties>`, res.Attempt)
	}
	switch res.Status {
	case task.OK:
	case task.Skipped, task.Cancelled:
		b = append(b, `<skipped message="`+whyNotRun(res)+`"/>`...)
	default:
		b, err = appendFailure(b, res)
	}
	return append(b, "</testcase>\n"...), err
}

// appendBroken appends the case of a run that mpx could not go on with.
func (j *JUnit) appendBroken(b []byte, why string) []byte {
	b = append(append(b, `<testcase classname="`...), appendXML(nil, j.class, true)...)
	b = append(append(b, `" name="`...), appendXML(nil, j.o.Name, true)...)
	b = append(b, `" time="0"><error message="mpx itself failed" type="broken">`...)
	b = appendXML(b, stripANSI([]byte(why)), false)
	return append(b, "</error></testcase>\n"...)
}

// caseName is res's command without colours and control characters, or its
// number.
func (j *JUnit) caseName(res *task.Result) string {
	name := ""
	if j.o.Command != nil {
		name = plain(j.o.Command(&res.Task, res.Slot), maxCaseName)
	}
	if name == "" {
		return "task " + strconv.FormatUint(res.Seq, 10)
	}
	return name
}

// plain returns s without escape sequences, with other control characters
// spelled out, and at most about most bytes of it.
func plain(s string, most int) string {
	return shorten(visible(string(stripANSI([]byte(s)))), most)
}

func whyNotRun(res *task.Result) string {
	switch {
	case res.Status == task.Cancelled:
		return "cancelled: the run was ended"
	case res.Before:
		return "done by an earlier run"
	}
	return "not run: --halt"
}

// appendFailure appends how res failed, with the end of its stderr, and the
// end of its stdout.
func appendFailure(b []byte, res *task.Result) ([]byte, error) {
	element, how := "failure", ""
	switch res.Status {
	case task.Failed:
		how = "exit"
	case task.Signalled:
		how = "signal"
	case task.TimedOut:
		how = "timeout"
	case task.Lost:
		element, how = "error", "lost"
	}
	b = fmt.Appendf(b, `<%s message="%s`, element, kindOf(res))
	if res.Attempt > 1 {
		b = fmt.Appendf(b, ` (attempt %d)`, res.Attempt)
	}
	b = fmt.Appendf(b, `" type="%s">`, how)
	if res.Note != "" {
		b = appendXML(b, stripANSI([]byte(res.Note+"\n")), false)
	}
	stderr, err := tailOf(&res.Stderr, maxCaseOutput)
	if err != nil {
		return b, err
	}
	b = appendXML(b, stderr, false)
	b = append(b, "</"+element+">"...)
	stdout, err := tailOf(&res.Stdout, maxCaseOutput)
	if err != nil || len(stdout) == 0 {
		return b, err
	}
	b = append(b, "<system-out>"...)
	b = appendXML(b, stdout, false)
	return append(b, "</system-out>"...), nil
}

// tailOf returns the last n bytes of o, without escape sequences and what a
// cut has left of a character.
func tailOf(o *task.Output, n int64) ([]byte, error) {
	p, err := o.Tail(n)
	if o.Size() > n {
		for i := 0; i < utf8.UTFMax-1 && len(p) > 0 && !utf8.RuneStart(p[0]); i++ {
			p = p[1:]
		}
	}
	return stripANSI(p), err
}
