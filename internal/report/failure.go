package report

import (
	"fmt"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"mpx/internal/task"
)

// A Failure is a task that failed.
type Failure struct {
	Seq     uint64
	How     string // "exit 1", "SIGSEGV", "timeout", "lost"
	Command string // for people; "" when it is not known
}

// kind is what failures are counted by.
type kind struct {
	status task.Status
	code   int // exit status or signal
}

func kindOf(res *task.Result) kind {
	switch res.Status {
	case task.Failed:
		return kind{res.Status, res.Exit}
	case task.Signalled:
		return kind{res.Status, res.Signal}
	}
	return kind{status: res.Status}
}

func (k kind) String() string {
	switch k.status {
	case task.Failed:
		return fmt.Sprintf("exit %d", k.code)
	case task.Signalled:
		if name := unix.SignalName(syscall.Signal(k.code)); name != "" {
			return name
		}
		return fmt.Sprintf("signal %d", k.code)
	}
	return k.status.String()
}

// maxDisplay is about two lines of a terminal, in bytes.
const maxDisplay = 160

// display returns res's command as it stands in the message at the end.
func (r *Report) display(res *task.Result) (s string) {
	switch {
	case r.o.Display != nil:
		s = r.o.Display(&res.Task, res.Slot)
	case r.o.Command != nil:
		s = strings.Join(r.o.Command(&res.Task, res.Slot), " ")
	}
	s = shorten(visible(s), maxDisplay)
	if r.o.GitHub != nil { // the message follows when commands are obeyed again
		s = strings.ReplaceAll(s, string(oldCommand), "## [")
	}
	return s
}

// shorten cuts s, which is UTF-8, to about most bytes.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
