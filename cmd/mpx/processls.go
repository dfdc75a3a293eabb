package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"mpx/internal/report"
	"mpx/internal/shm"
	"mpx/internal/task"

	"github.com/spf13/cobra"
)

const processListLong = `List all processes, a line each: name, pid, state, since when it runs, command.

The state is running, exited N, killed by a signal, or lost: its keeper was killed.`

func (a *app) processList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls [--json]", Aliases: []string{"list"}, Short: "List all processes", Long: processListLong,
		Example: "  mpx process ls\n  mpx process ls --json | jq -r 'select(.exitcode != 0) | .name'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("usage: "+usageOf(cmd), "%q is one too many", args[0])
			}
			return a.listProcesses(asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "an object of JSON a line")
	return helped(cmd, "  0     all are listed, or there are none\n"+statusAny)
}

// A processListing is what ls tells of a process.
type processListing struct {
	Name     string     `json:"name"`
	PID      int        `json:"pid"`
	Keeper   int        `json:"keeper"`
	State    string     `json:"state"`
	Exitcode *int       `json:"exitcode"`
	Since    time.Time  `json:"since"`
	Until    *time.Time `json:"until"`
	Command  []string   `json:"command,omitempty"`
	Coded    [][]byte   `json:"command_base64,omitempty"` // when a word is not UTF-8

	words []string
	text  string // the state, for people
}

func (a *app) listProcesses(asJSON bool) error {
	dir, err := a.objects()
	if err != nil {
		return err
	}
	names, err := dir.Names()
	if err != nil {
		return err
	}
	var list []*processListing
	var worst error
	for _, name := range names {
		l, err := lookAtProcess(dir, name)
		var kind *shm.KindError
		switch {
		case err == nil:
			list = append(list, l)
		case errors.As(err, &kind), errors.Is(err, shm.ErrNotExist), errors.Is(err, shm.ErrDamaged), errors.Is(err, shm.ErrNamespace):
		default: // it may be one
			explain(a.says, fmt.Errorf("%s: %w", name, err))
			worst = &outcome{status: exitBroken}
		}
	}
	if err := writeProcesses(a.stdout, list, asJSON); err != nil {
		return err
	}
	return worst
}

func lookAtProcess(dir *shm.Dir, name string) (*processListing, error) {
	p, err := dir.OpenProcess(name)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	i, err := p.Look()
	if err != nil {
		return nil, err
	}
	l := &processListing{Name: name, PID: i.PID, Keeper: i.Keeper, State: i.State.String(), Since: i.Since, text: i.Text()}
	if code, ok := i.Exitcode(); ok {
		l.Exitcode, l.Until = &code, &i.Until
	}
	l.words, err = p.Words()
	if !slices.ContainsFunc(l.words, func(w string) bool { return !utf8.ValidString(w) }) {
		l.Command = l.words
		return l, err
	}
	for _, w := range l.words {
		l.Coded = append(l.Coded, []byte(w))
	}
	return l, err
}

func writeProcesses(w io.Writer, list []*processListing, asJSON bool) error {
	var rows [][]string
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, l := range list {
		if asJSON {
			if err := e.Encode(l); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{l.Name, strconv.Itoa(l.PID), l.text, l.Since.Format("2006-01-02 15:04:05"), report.Screen(task.QuoteWords(l.words))})
	}
	_, err := io.WriteString(w, columns(rows))
	return err
}
