package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const lsLong = `List the shared objects of this user, a line each: its name, its kind, its state,
since when it is there, which processes hold it and which wait for it, by pid, and
for how long.

They live in $MPX_DIR, else in /dev/shm/mpx-UID, where there is no /dev/shm in
/tmp/mpx-UID: the same for a terminal, cron, su and a service of one user. Where
systemd keeps the logins it removes what a user has in /dev/shm when the last session
of that user ends, also under processes that go on (not that of root and of system
users). loginctl enable-linger keeps it, as do RemoveIPC=no in logind.conf and an
MPX_DIR elsewhere.

An object that is busy has been in the midst of a change for long: the process that
makes it is stopped, or hardly runs.`

const lsExamples = `  mpx ls
  mpx ls deploy
  mpx ls --json | jq -r 'select(.kind == "lock") | .holds[].pid'`

const lsStatus = `  0     all is listed, or there is nothing
  1     there is none of that name; or a file there is no object that can be used here
  2     wrong usage
  125   mpx itself failed; or it cannot be told who lives, or which boot this is`

func (a *app) lsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ls [NAME] [--json]",
		Short:   "List shared objects: who holds them, who waits",
		Long:    lsLong,
		Example: lsExamples,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.listObjects(cmd, args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "an object of JSON a line")
	return helped(cmd, lsStatus)
}

// A listing is what ls tells of an object.
type listing struct {
	Name  string    `json:"name"`
	Kind  string    `json:"kind"`
	State string    `json:"state"`
	Made  time.Time `json:"made"`
	Holds []holder  `json:"holds"`
	Waits []holder  `json:"waits"`

	parties []shm.Party
}

// A holder is a process that holds or waits; since when may be unknown.
type holder struct {
	PID   int        `json:"pid"`
	Since *time.Time `json:"since"`
}

func (a *app) listObjects(cmd *cobra.Command, args []string, asJSON bool) error {
	if len(args) > 1 {
		return usagef("usage: mpx "+cmd.Use, "%q is one name too many", args[1])
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	names := args
	if len(args) == 0 {
		names, err = dir.Names()
	} else {
		_, _, err = objectName(cmd, args)
	}
	if err != nil {
		return err
	}
	list, worst := a.look(dir.Within(shm.WaitFor(0)), names, len(args) == 1)
	if err := writeListings(a.stdout, list, asJSON); err != nil {
		return err
	}
	return worst
}

// look looks at the objects. One that is gone by now is an error only if the user
// has named it.
func (a *app) look(dir *shm.Dir, names []string, named bool) (list []*listing, worst error) {
	for _, name := range names {
		l, err := lookAt(dir, name)
		if l != nil {
			list = append(list, l)
		}
		gone := errors.Is(err, shm.ErrNotExist) || errors.Is(err, shm.ErrRemoved)
		switch {
		case err == nil || gone && !named:
			continue
		case gone:
			err = shm.ErrNotExist
		}
		explain(a.says, fmt.Errorf("%s: %w", name, err))
		switch {
		case !isNoUse(err):
			worst = &outcome{status: exitBroken}
		case worst == nil:
			worst = &outcome{status: exitFailed}
		}
	}
	return list, worst
}

// isNoUse reports whether err says of an object that there is none that can be used here,
// rather than that mpx could not find out.
func isNoUse(err error) bool {
	var version *shm.VersionError
	var gone *ipc.GoneError
	return errors.Is(err, shm.ErrNotExist) || errors.Is(err, shm.ErrDamaged) || errors.Is(err, shm.ErrNamespace) ||
		errors.Is(err, shm.ErrElsewhere) || errors.As(err, &version) || errors.As(err, &gone)
}

// lookAt looks at an object. An *shm.UnknownError: of some who hold it or wait for it cannot
// be told whether they live; the others are in the listing.
func lookAt(dir *shm.Dir, name string) (*listing, error) {
	o, err := dir.Open(name, 0)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	l := &listing{Name: name, Kind: o.Kind.String(), Made: o.Made(), Holds: []holder{}, Waits: []holder{}}
	switch o.Kind {
	case shm.KindQueue:
		l.parties, l.State, err = lookAtQueue(dir, name)
	case shm.KindPipe:
		l.parties, l.State, err = lookAtPipe(dir, name)
	default:
		var serr error
		l.parties, err = o.Parties()
		l.State, serr = o.State()
		err = cmp.Or(serr, err)
	}
	var unknown *shm.UnknownError
	var busy *shm.BusyError
	switch {
	case errors.As(err, &busy):
		l.State, err = busyText(busy), nil
	case err != nil && !errors.As(err, &unknown):
		return nil, err
	}
	for _, p := range l.parties {
		h := holder{PID: p.PID}
		if !p.Since.IsZero() {
			h.Since = &p.Since
		}
		if p.Role == shm.Holds {
			l.Holds = append(l.Holds, h)
		} else {
			l.Waits = append(l.Waits, h)
		}
	}
	return l, err
}

// lookAtQueue looks at a queue, which may be kept in another directory.
func lookAtQueue(dir *shm.Dir, name string) (parties []shm.Party, state string, err error) {
	q, err := ipc.OpenQueue(dir, name)
	if err != nil {
		return nil, "", err
	}
	defer q.Close()
	s, err := q.State()
	if err != nil {
		return nil, "", err
	}
	parties, err = q.Object().Parties()
	return parties, queueText(&s), err
}

// lookAtPipe tells who is at the ends of a pipe, and, for people, what waits there.
func lookAtPipe(dir *shm.Dir, name string) (parties []shm.Party, state string, err error) {
	for n := 1; n <= 2 && err == nil; n++ {
		var e *ipc.PipeEnd
		if e, err = ipc.OpenPipeEnd(dir, name, n); err != nil {
			break
		}
		waiting, closed, serr := e.State()
		there, perr := e.Parties()
		parties = append(parties, there...)
		err = errors.Join(serr, perr, e.Close())
		text := fmt.Sprintf("%d: %d wait", n, waiting)
		switch {
		case closed:
			text = fmt.Sprintf("%d: closed", n)
		case !e.Receives():
			text = fmt.Sprintf("%d: sends", n)
		}
		state += ", " + text
	}
	return parties, strings.TrimPrefix(state, ", "), err
}
