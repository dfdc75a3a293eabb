package main

import (
	"errors"
	"io"
	"os"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"github.com/spf13/pflag"
)

// A getter is what mpx queue get does with items.
type getter struct {
	waitFlags
	printFlags
	follow, onStdin bool
	sentinel        string
	hasSentinel     bool
	deliveries      int
	retryDelay      string

	failing  uint64 // the item that has failed last
	failures int    // how often it has in a row
	hinted   bool

	a    *app
	d    *shm.Dir
	name string
	q    *ipc.Queue
}

func (a *app) queueGet() objectVerb {
	g := &getter{a: a}
	var flags *pflag.FlagSet
	return objectVerb{
		use: "get [flags] NAME [COMMAND [ARG]...]", short: "Take an item and print it, or lease it to a command",
		long: `Take the first item and print it, with a newline. With COMMAND the item is its last
argument and its standard input: when it succeeds the item is done; when it fails,
is killed, or mpx is, the item goes back to where it was, with --retry-delay D only
after D, which doubles each time. With mpx, kill -9 included, COMMAND and all that it has
started end first; what it leaves when it ends by itself stays. COMMAND finds in
MPX_ATTEMPT how often the item has been given out, this time included.

With --max-deliveries N an item that has failed N times goes to the queue NAME.dead, and
stderr says why. Each delivery counts that did not end well: COMMAND failed, or it or mpx
was killed, or the item cannot be an argument (over 128 KiB, a NUL byte: see --stdin).
A COMMAND that is not found, or cannot be run, counts for one item, and ends the get.

An item is out of the queue when it has been printed: of one whose printing is cut
short nothing is lost, though some may be printed twice. With --follow --timeout is
for each item.`,
		examples: `  item=$(mpx queue get jobs) && ./work "$item" && mpx queue done jobs
  mpx queue get --follow jobs | mpx map ./work
  mpx queue get --follow --max-deliveries 3 jobs ./work
  mpx queue get --raw pages > page.html`,
		status: "  0     there was one; --follow: all have been had\n" + statusWait +
			"  3     the end: the queue is closed and drained, or the item is the --sentinel\n" + statusNone +
			"\n  126, 127  COMMAND cannot be run, is not found\n  else  COMMAND's own",
		wait: &g.waitFlags, first: true, max: anyNumber,
		flags: func(f *pflag.FlagSet) {
			flags = f
			f.BoolVar(&g.follow, "follow", false, "go on with the next item, until the end")
			g.printFlags.add(f)
			f.StringVar(&g.sentinel, "sentinel", "", "an item that is `TEXT` is the end for who gets it")
			f.BoolVar(&g.onStdin, "stdin", false, "the item is COMMAND's standard input only, not its last argument")
			f.IntVar(&g.deliveries, "max-deliveries", 0, "an item whose delivery has failed `N` times goes to NAME.dead; 0: never")
			f.StringVar(&g.retryDelay, "retry-delay", "", "keep an item that comes back for `DUR`, doubled each further time")
		},
		run: func(d *shm.Dir, name string, words []string) error {
			if _, err := g.wait(); err != nil {
				return err
			}
			g.d, g.name, g.hasSentinel = d, name, flags.Changed("sentinel")
			delay, err := g.checkAll(words)
			if err != nil {
				return err
			}
			if len(words) > 0 && a.twin == nil {
				return a.withTwin(os.Environ())
			}
			return a.onQueue(func(q *ipc.Queue) error {
				g.q, q.RetryDelay = q, delay
				return g.get(words)
			})(d, name, nil)
		},
	}
}

func (g *getter) checkAll(words []string) (delay time.Duration, err error) {
	if err := g.printFlags.check(); err != nil {
		return 0, err
	}
	if g.retryDelay != "" {
		delay, err = parseDuration(g.retryDelay)
	}
	switch {
	case err != nil || delay > ipc.MaxRetryDelay:
		return 0, usagef("a time up to 1d: seconds, or 1.5s, 2m", "--retry-delay %s makes no sense", g.retryDelay)
	case len(words) > 0 && (g.null || g.raw):
		return 0, usagef("leave them away", "-0 and --raw are about printing, and COMMAND gets the item")
	case len(words) == 0 && (g.onStdin || g.deliveries != 0 || g.retryDelay != ""):
		return 0, usagef("mpx queue get NAME COMMAND", "--stdin, --max-deliveries and --retry-delay are about COMMAND, and there is none")
	case g.deliveries < 0:
		return 0, usagef("a number from 0", "--max-deliveries %d makes no sense", g.deliveries)
	case g.deliveries > 0 && shm.CheckName(g.deadName()) != nil:
		return 0, usagef("a shorter name", "%s.dead is too long a name", g.name)
	}
	return delay, nil
}

// get gets an item, or with --follow all, and waits for each as long as --timeout says.
func (g *getter) get(words []string) error {
	var l *ipc.Lease // that the step before has leased
	for {
		next, err := g.step(l, words)
		switch {
		case !g.follow:
			return err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		l = next
	}
}

// step does what is to be done with an item, l if there is one, and may lease the next.
func (g *getter) step(l *ipc.Lease, words []string) (next *ipc.Lease, err error) {
	if l == nil {
		if l, err = g.next(); err != nil {
			return nil, err
		}
	}
	switch {
	case g.ends(l):
		return nil, io.EOF
	case len(words) > 0:
		return nil, g.lease(l, words)
	}
	return g.print(l)
}

// next leases the next item. Those that have been given out too often already go.
func (g *getter) next() (*ipc.Lease, error) {
	w, err := g.wait()
	for buried := true; buried; {
		var l *ipc.Lease
		if err == nil {
			l, err = g.q.Lease(w)
		}
		if err != nil {
			return nil, err
		}
		if buried, err = g.overdue(l); !buried {
			return l, err
		}
	}
	return nil, err
}

// ends reports whether the item is the sentinel, which is then done.
func (g *getter) ends(l *ipc.Lease) bool {
	return g.hasSentinel && l.File() == nil && string(l.Bytes()) == g.sentinel && l.Done() == nil
}

// print prints the item and takes it out of the queue, and with --follow may lease the
// next.
func (g *getter) print(l *ipc.Lease) (next *ipc.Lease, err error) {
	err = g.a.printItem(l, g.end(), func() (err error) {
		if g.follow {
			next, err = l.TakeNext()
			return err
		}
		return l.Take()
	})
	return next, err
}
