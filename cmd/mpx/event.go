package main

import (
	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const eventLong = `A flag that processes wait for (Python's multiprocessing.Event). It is there, not
set, from its first use by any command; mpx rm NAME removes it.

Whoever waits is woken by each set, also when a clear follows at once.`

const eventExamples = `  for i in 1 2 3; do (mpx event wait go && ./work $i) & done
  mpx event set go                          # all three begin
  mpx event wait ready --timeout 30s || exit
  mpx event is-set done && echo finished`

func (a *app) eventCommand() *cobra.Command {
	w := &waitFlags{}
	// on opens the event for do.
	on := func(do func(*shm.Event) error) func(*shm.Dir, string, []string) error {
		return func(d *shm.Dir, name string, _ []string) error {
			e, err := d.OpenEvent(name)
			if err != nil {
				return err
			}
			defer e.Close()
			return do(e)
		}
	}
	return a.objectGroup(
		&cobra.Command{Use: "event", Short: "Wait until another process says so", Long: eventLong, Example: eventExamples},
		"  0     it is done, or the answer is yes\n  1     is-set: it is not; or --nonblock, and it would have had to wait\n  124   the --timeout ran out\n"+statusAny,
		objectVerb{
			use: "set NAME", short: "Set it, and wake all who wait", run: on((*shm.Event).Set),
			examples: "  mpx event set go\n  ./migrate && mpx event set migrated",
			status:   statusDone + statusAny,
		},
		objectVerb{
			use: "clear NAME", short: "Clear it", run: on((*shm.Event).Clear),
			examples: "  mpx event clear go\n  mpx event set tick; mpx event clear tick   # wakes all who wait, and no others",
			status:   statusDone + statusAny,
		},
		objectVerb{
			use: "wait [--timeout D|--nonblock] NAME", short: "Wait until it is set", wait: w,
			examples: "  mpx event wait go\n  mpx event wait go --timeout 1.5s || echo 'still not'",
			status:   "  0     it is set, or has been since the call\n" + statusWait + statusAny,
			run: func(d *shm.Dir, name string, words []string) error {
				wait, err := w.wait()
				if err != nil {
					return err
				}
				return on(func(e *shm.Event) error { return e.Wait(wait) })(d, name, words)
			},
		},
		objectVerb{
			use: "is-set NAME", short: "Tell whether it is set, by the exit status",
			examples: "  mpx event is-set go && echo gone\n  until mpx event is-set stop; do ./step; done",
			status:   "  0     it is set\n  1     it is not\n" + statusAny,
			run: on(func(e *shm.Event) error {
				set, err := e.IsSet()
				if err == nil && !set {
					return &outcome{status: exitFailed}
				}
				return err
			}),
		},
	)
}
