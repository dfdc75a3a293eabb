package main

import (
	"fmt"
	"strings"

	"mpx/internal/server"
	"mpx/internal/shm"
)

func (a *app) poolSubmit() objectVerb {
	return objectVerb{
		use: "submit NAME VALUE...", short: "Begin a task and print its ticket", min: 1, max: anyNumber, first: true,
		long:     "Hand in one task with these values, and print a ticket, by which mpx pool get has\nwhat comes of it. What nobody gets is dropped after start's --result-ttl.",
		examples: "  ticket=$(mpx pool submit thumbs b.png 50%)\n  for f in *.png; do mpx pool submit thumbs \"$f\" 50%; done >tickets",
		status:   "  0     its ticket was printed\n" + poolNone,
		run: func(d *shm.Dir, name string, words []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				ticket, err := p.Submit(words)
				if err == nil {
					_, err = fmt.Fprintln(a.stdout, ticket)
				}
				return stdoutError(err)
			})
		},
	}
}

func (a *app) poolGet() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "get [--timeout D] NAME TICKET", short: "Wait for a submitted task: its output, its status", min: 1, max: 1, waits: w,
		long: `Wait until the task of TICKET has ended, print what it has printed, stdout to stdout
and stderr to stderr, and end with its exit status. Then the ticket is unknown. If
this command is killed before all is printed, it is not, and the next get has all.`,
		examples: "  mpx pool get thumbs \"$ticket\"\n  mpx pool get --timeout 10s thumbs \"$ticket\"; test $? = 124 && echo 'not yet'",
		status:   fmt.Sprintf(poolTask, ", or no\n        such ticket") + "\n  124   the --timeout ran out",
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			return onPool(d, name, func(p *server.PoolClient) error {
				o, err := p.Get(words[0], wait, a.stdout, a.stderr)
				return a.taskOutcome(o, err)
			})
		},
	}
}

func (a *app) poolAsk(verb, short string, ask func(*server.PoolClient, string) (bool, error)) objectVerb {
	status := "  0     yes\n  1     no\n  2     wrong usage, or there is no such pool or ticket\n  125   mpx itself failed: I/O, or the pool's supervisor was killed"
	if verb == "successful" {
		status = strings.Replace(status, "or ticket", "or ticket, or the task has\n        not ended", 1)
	}
	return objectVerb{
		use: verb + " NAME TICKET", short: short, min: 1, max: 1,
		long:     short + ".\nThe result stays where it is.",
		examples: fmt.Sprintf("  mpx pool %s thumbs \"$ticket\" && echo yes\n  mpx pool wait thumbs \"$ticket\" && mpx pool %[1]s thumbs \"$ticket\"", verb),
		status:   status,
		run: func(d *shm.Dir, name string, words []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				yes, err := ask(p, words[0])
				if err == nil && !yes {
					return &outcome{status: exitFailed}
				}
				return err
			})
		},
	}
}

func (a *app) poolWait() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "wait [--timeout D] NAME TICKET", short: "Wait until a submitted task has ended", min: 1, max: 1, waits: w,
		examples: "  mpx pool wait thumbs \"$ticket\"\n  mpx pool wait --timeout 1m thumbs \"$ticket\" || echo 'not yet'",
		status:   "  0     it has ended, whatever came of it\n  124   the --timeout ran out\n  2     wrong usage, or there is no such pool or ticket\n  125   mpx itself failed: I/O, or the pool's supervisor was killed",
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			return onPool(d, name, func(p *server.PoolClient) error { return p.Wait(words[0], wait) })
		},
	}
}
