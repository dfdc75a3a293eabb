package main

import (
	"errors"
	"io"

	"mpx/internal/ipc"

	"github.com/spf13/pflag"
)

// printFlags say what is printed behind an item or a message.
type printFlags struct{ null, raw bool }

func (p *printFlags) add(f *pflag.FlagSet) {
	f.BoolVarP(&p.null, "null", "0", false, "print a NUL byte behind it, not a newline")
	f.BoolVar(&p.raw, "raw", false, "print nothing behind it")
}

func (p *printFlags) check() error {
	if p.null && p.raw {
		return usagef("--raw prints nothing behind it", "-0 and --raw exclude each other")
	}
	return nil
}

func (p *printFlags) end() string {
	switch {
	case p.raw:
		return ""
	case p.null:
		return "\x00"
	}
	return "\n"
}

// printItem prints what was leased, with end behind it, and then ends the lease by
// printed. If it cannot be printed, it goes back.
func (a *app) printItem(l *ipc.Lease, end string, printed func() error) error {
	var err error
	if l.File() == nil {
		_, err = a.stdout.Write(append(l.Bytes(), end...)) // at once, as others may write, too
	} else if _, err = l.WriteTo(a.stdout); err == nil {
		_, err = io.WriteString(a.stdout, end)
	}
	if err != nil {
		return stdoutError(errors.Join(err, l.Return()))
	}
	return printed()
}
