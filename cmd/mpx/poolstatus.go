package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mpx/internal/report"
	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/pflag"
)

// watchPause is how often --watch looks.
const watchPause = time.Second

func (a *app) poolStatus() objectVerb {
	var asJSON, watch bool
	return objectVerb{
		use: "status [--json] [--watch] NAME", short: "Tell what its workers run, and what waits",
		long: `Print a line about the pool, how far it is and what waits, and one about each worker:
its pid, its state, since when it has been running its task, and which that is.`,
		examples: "  mpx pool status thumbs\n  mpx pool status --json thumbs | jq .waiting\n  mpx pool status --watch thumbs",
		status:   "  0     it was printed; --watch: the pool has ended\n" + poolNone,
		flags: func(f *pflag.FlagSet) {
			f.BoolVar(&asJSON, "json", false, "an object of JSON")
			f.BoolVar(&watch, "watch", false, "again each second, until the pool has ended")
		},
		run: func(d *shm.Dir, name string, _ []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				if !watch {
					_, err := a.printPool(p, asJSON)
					return err
				}
				return a.watchPool(p, asJSON)
			})
		},
	}
}

// watchPool prints how the pool is until it has ended. On a terminal each look takes
// the place of the last.
func (a *app) watchPool(p *server.PoolClient, asJSON bool) error {
	over := isTerminal(a.stdout) && !asJSON
	for {
		lines, err := a.printPool(p, asJSON)
		var l *server.LostError
		if errors.As(err, &l) && l.Planned {
			return nil
		}
		if err != nil {
			return err
		}
		time.Sleep(watchPause)
		if over {
			_, err = fmt.Fprintf(a.stdout, "\x1b[%dA\x1b[J", lines)
		} else if !asJSON {
			_, err = fmt.Fprintln(a.stdout)
		}
		if err != nil {
			return stdoutError(err)
		}
	}
}

// printPool prints how the pool is, and returns in how many lines.
func (a *app) printPool(p *server.PoolClient, asJSON bool) (lines int, err error) {
	st, err := p.Status()
	if err != nil {
		return 0, err
	}
	if asJSON {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		return 1, stdoutError(e.Encode(st))
	}
	text := poolText(st, time.Now())
	_, err = io.WriteString(a.stdout, text)
	return strings.Count(text, "\n"), stdoutError(err)
}

// poolText tells people how a pool is.
func poolText(st *server.PoolStatus, now time.Time) string {
	head := fmt.Sprintf("%s  %s  supervisor %d  %s  %d waiting, %d running, %d done, %d held",
		st.Name, st.State, st.Supervisor, st.Since.Format("2006-01-02 15:04:05"), st.Waiting, running(st), st.Done, st.Held)
	var rows [][]string
	for _, w := range st.Workers {
		row := []string{"mpx-worker-" + strconv.Itoa(w.Worker), strconv.Itoa(w.PID), w.State, "", report.Screen(w.Task)}
		if w.Since != nil {
			row[3] = max(0, now.Sub(*w.Since)).Truncate(100 * time.Millisecond).String()
		}
		rows = append(rows, row)
	}
	return head + "\n" + columns(rows)
}

func running(st *server.PoolStatus) (n int) {
	for _, w := range st.Workers {
		n += w.Tasks
	}
	return n
}
