package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A twinLine is one end of the socket between the elder and its twin, who alone have them:
// the end of one is the end of file for the other. The twin says, a message each, which
// processes ended commands have left (left PID…), and as its last word how mpx is to end
// (end STATUS SIGNAL). The elder says nothing.
type twinLine int

func (l twinLine) say(text string) { _, _ = unix.Write(int(l), []byte(text)) } // an error: nobody hears it

func (l twinLine) sayLeft(pids map[int]bool) {
	text := "left"
	for pid := range pids {
		text += fmt.Sprint(" ", pid)
	}
	l.say(text)
}

func (l twinLine) sayEnd(status int, sig syscall.Signal) {
	l.say(fmt.Sprintf("end %d %d", status, sig))
}

// hear returns what was said last when there is nobody who may say more. end is nil if
// there was no last word.
func (l twinLine) hear() (left map[int]bool, end *outcome) {
	b := make([]byte, 1<<18) // more than a message can have
	for {
		n, err := unix.Read(int(l), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case n <= 0:
			return left, end
		}
		if word, rest, _ := strings.Cut(string(b[:n]), " "); word == "end" {
			end = &outcome{}
			_, _ = fmt.Sscan(rest, &end.status, &end.signal)
		} else {
			left = map[int]bool{}
			for _, f := range strings.Fields(rest) {
				var pid int
				_, _ = fmt.Sscan(f, &pid)
				left[pid] = true
			}
		}
	}
}
