package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A twinLine is one end of the socket between the elder and its twin, who alone have them:
// the end of one is the end of file for the other. The twin says, a message each, which
// command runs (runs MARK ALONE; runs: none), and as its last word how mpx is to end
// (end STATUS SIGNAL). The elder says nothing.
type twinLine int

// A commandSign is what the processes of the twin's command are known by. alone says that
// nobody else has any that could come to the elder: then they need no mark.
type commandSign struct {
	mark  proc.Mark // "": no command runs
	alone bool
}

func (l twinLine) say(text string) { _, _ = unix.Write(int(l), []byte(text)) } // an error: nobody hears it

func (l twinLine) sayRuns(c commandSign) {
	if c.mark == "" {
		l.say("runs")
		return
	}
	l.say(fmt.Sprintf("runs %s %t", c.mark, c.alone))
}

func (l twinLine) sayEnd(status int, sig syscall.Signal) {
	l.say(fmt.Sprintf("end %d %d", status, sig))
}

// hear returns what was said last when there is nobody who may say more. end is nil if
// there was no last word.
func (l twinLine) hear() (runs commandSign, end *outcome) {
	var b [256]byte // more than a message can have
	for {
		n, err := unix.Read(int(l), b[:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case n <= 0:
			return runs, end
		}
		if word, rest, _ := strings.Cut(string(b[:n]), " "); word == "end" {
			end = &outcome{}
			_, _ = fmt.Sscan(rest, &end.status, &end.signal)
		} else {
			runs = commandSign{}
			_, _ = fmt.Sscan(rest, &runs.mark, &runs.alone)
		}
	}
}
