package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const pipeLong = `A pipe between any processes (Python's Pipe): it has two ends, NAME:1 and NAME:2,
and what is sent at one is received at the other, message by message, as it was
sent. Messages stay while no process is there.

When an end is closed, the other receives what was sent, and then ends with status
3; what it sends is refused.`

const pipeExamples = `  mpx pipe create adder
  while m=$(mpx pipe recv adder:2); do mpx pipe send adder:2 $((m + 1)); done &
  mpx pipe send adder:1 41 && mpx pipe recv adder:1
  mpx pipe close adder:1                              # the loop ends`

func (a *app) pipeCommand() *cobra.Command {
	return a.objectGroup(
		&cobra.Command{Use: "pipe", Short: "Messages between two ends", Long: pipeLong, Example: pipeExamples},
		"  0     it is done, or the answer is yes\n  1     poll: the answer is no; --nonblock, and it would have had to wait\n"+
			"  3     the end: the other end is closed, and all is received\n  124   the --timeout ran out\n"+statusNone,
		pipeCreate(),
		a.pipeSend(),
		a.pipeRecv(),
		a.pipePoll(),
		objectVerb{
			use: "close END", short: "Close an end", end: true,
			long:     "Close an end, NAME:1 or NAME:2, for all processes. The other end receives what was\nsent, and then ends with status 3.",
			examples: "  mpx pipe close adder:1\n  trap 'mpx pipe close adder:1' EXIT",
			status:   statusDone + statusNone,
			run:      a.onEnd(func(e *ipc.PipeEnd, _ []string) error { return e.SetClosed() }),
		},
		removeVerb(shm.KindPipe, "  mpx pipe rm adder\n  trap 'mpx pipe rm adder' EXIT"),
	)
}

// onEnd opens the end that the first of words is for do.
func (a *app) onEnd(do func(e *ipc.PipeEnd, words []string) error) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, words []string) error {
		e, err := ipc.OpenPipeEnd(d, name, int(words[0][0]-'0'))
		if err != nil {
			return err
		}
		defer e.Close()
		e.Tell(a.damaged(name + ":" + words[0]))
		return pipeError(do(e, words[1:]), name+":"+words[0])
	}
}

// pipeError has the errors of an end be the exit statuses that they are.
func pipeError(err error, end string) error {
	switch {
	case errors.Is(err, io.EOF):
		return &outcome{status: exitEnd}
	case errors.Is(err, ipc.ErrOtherClosed):
		return &commandError{msg: err.Error(), status: exitEnd}
	case errors.Is(err, ipc.ErrEndClosed), errors.Is(err, ipc.ErrReadOnly), errors.Is(err, ipc.ErrWriteOnly):
		hint := "of a --simplex pipe end 1 receives and end 2 sends"
		if errors.Is(err, ipc.ErrEndClosed) {
			hint = "mpx pipe close has closed it"
		}
		return usagef(hint, "%s: %v", end, err)
	}
	return err
}

// cutEnd takes the :1 or :2 off the first of a command's arguments.
func cutEnd(args []string) (n string, err error) {
	if len(args) == 0 {
		return "", nil // which is another mistake
	}
	for _, n := range []string{"1", "2"} {
		if name, ok := strings.CutSuffix(args[0], ":"+n); ok {
			args[0] = name
			return n, nil
		}
	}
	return "", usagef("a pipe has two ends: NAME:1 and NAME:2", "%q is no end of a pipe", args[0])
}

func pipeCreate() objectVerb {
	var simplex, ifMissing bool
	return objectVerb{
		use: "create [--simplex] [--if-missing] NAME", short: "Make one",
		examples: "  mpx pipe create adder\n  mpx pipe create log --simplex    # log:2 sends, log:1 receives",
		status:   statusDone + "  2     wrong usage, or there is one of that name\n  125   mpx itself failed: I/O",
		flags: func(f *pflag.FlagSet) {
			f.BoolVar(&simplex, "simplex", false, "one way: end 1 receives, end 2 sends")
			f.BoolVar(&ifMissing, "if-missing", false, "leave one that is there as it is")
		},
		run: func(d *shm.Dir, name string, _ []string) error {
			err := ipc.MakePipe(d, name, simplex)
			if !ifMissing || !errors.Is(err, shm.ErrExists) {
				return err
			}
			o, err := d.Open(name, shm.KindPipe)
			if err != nil {
				return err
			}
			return o.Close()
		},
	}
}

func (a *app) pipeSend() objectVerb {
	return objectVerb{
		use: "send END [MESSAGE]", short: "Send a message: MESSAGE, or all of stdin", end: true, first: true, max: 1,
		long:     "Send a message from an end, NAME:1 or NAME:2: MESSAGE, or else all of stdin.",
		examples: "  mpx pipe send adder:1 '3 4'\n  tar c . | mpx pipe send backup:2\n  mpx pipe send adder:1 -- -5",
		status:   "  0     it was sent\n  3     the other end is closed\n" + statusNone,
		run: a.onEnd(func(e *ipc.PipeEnd, words []string) error {
			var from io.Reader = a.stdin
			switch {
			case len(words) > 0:
				from = strings.NewReader(words[0])
			case isTerminal(a.stdin):
				fmt.Fprintln(a.says, "mpx: hint: reading the message from the terminal; ^D ends it")
			}
			m, err := e.Item(from)
			if err != nil {
				return err
			}
			defer m.Close()
			return e.Send(m)
		}),
	}
}

func (a *app) pipeRecv() objectVerb {
	w, p := &waitFlags{}, &printFlags{}
	limit := ""
	return objectVerb{
		use: "recv [flags] END", short: "Receive a message and print it", end: true, wait: w,
		long: `Receive the next message at an end, NAME:1 or NAME:2, and print it, with a newline.
It is received when it has been printed. One that is longer than --max-length is
refused, and stays.`,
		examples: "  mpx pipe recv adder:2\n  while m=$(mpx pipe recv adder:2); do handle \"$m\"; done\n  mpx pipe recv --raw backup:1 | tar x",
		status:   "  0     there was one\n" + statusWait + "  3     the end: the other end is closed, and all is received\n" + statusNone,
		flags: func(f *pflag.FlagSet) {
			p.add(f)
			f.StringVar(&limit, "max-length", "", "refuse a message of more than `SIZE`: bytes, or K, M, G of them")
		},
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err == nil {
				err = p.check()
			}
			if err != nil {
				return err
			}
			most := int64(-1)
			if limit != "" {
				if most, err = parseSize(limit); err != nil {
					return usagef("bytes, or 64K, 10M, 2G", "--max-length %s makes no sense", limit)
				}
			}
			return a.onEnd(func(e *ipc.PipeEnd, _ []string) error {
				l, err := e.Recv(wait)
				if err != nil {
					return err
				}
				if most >= 0 && l.Size() > most {
					return errors.Join(fmt.Errorf("a message of %d bytes is longer than --max-length %s; it stays", l.Size(), limit), l.Return())
				}
				return a.printItem(l, p.end(), l.Done)
			})(d, name, words)
		},
	}
}

func (a *app) pipePoll() objectVerb {
	timeout := ""
	return objectVerb{
		use: "poll [--timeout D] END", short: "Tell whether there is something to receive, by the exit status", end: true,
		long:     "Tell whether there is something to receive at an end, NAME:1 or NAME:2, a message or\nthe end, by the exit status. It takes nothing away.",
		examples: "  mpx pipe poll adder:2 && mpx pipe recv adder:2\n  mpx pipe poll adder:2 --timeout 5s || echo 'nothing came'",
		status:   "  0     yes\n  1     no, also after the --timeout\n" + statusNone,
		flags: func(f *pflag.FlagSet) {
			f.StringVarP(&timeout, "timeout", "w", "", "wait for it, at most `DUR`: seconds, or 1.5s, 2m, 1d")
		},
		run: func(d *shm.Dir, name string, words []string) error {
			w, err := parseWait(timeout, timeout == "")
			if err != nil {
				return err
			}
			return a.onEnd(func(e *ipc.PipeEnd, _ []string) error {
				there, err := e.Poll(w)
				if err == nil && !there {
					return &outcome{status: exitFailed}
				}
				return err
			})(d.Within(w), name, words)
		},
	}
}
