package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"mpx/internal/proc"
	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const lockLong = `Run COMMAND while holding the lock NAME (Python's multiprocessing.Lock). It exists
from its first use. Only one at a time holds it; others wait, or see --timeout
and --nonblock. mpx becomes the command: its status, signals and terminal are the
command's, and nothing of mpx is left.

The lock is an open file, which COMMAND inherits (above number 100): it is free
when COMMAND and all that it has started are gone, however they went, kill -9
included. A daemon that COMMAND starts keeps it, and sudo closes it; with --close
mpx stays, holds the lock itself, and COMMAND dies with it, as does all that it has
started. A named pool and a named process hold no lock that their start was run under.

The lock is the user's, for all terminals, cron jobs and services. That systemd may
take its name away at the last logout, while a job goes on: see mpx ls --help.

MPX_HELD names the locks, a:b, that COMMAND has inherited: with --close, and in the
commands of named pools and processes, the lock is not among them. Taking a lock
inside itself would wait for ever and is refused; --recursive runs COMMAND under the
one that is held. By MPX_HELD a script can take its own lock: see the last example.`

const lockExamples = `  mpx lock deploy ./deploy.sh production
  mpx lock deploy --timeout 10m -- ./deploy.sh production   # 124 if it took longer
  mpx lock backup --nonblock -E 0 ./backup.sh               # cron: one at a time, else nothing
  mpx lock counter sh -c 'echo $(( $(cat n) + 1 )) > n'
  case :$MPX_HELD: in *:job:*) ;; *) exec mpx lock job "$0" "$@";; esac`

// waitStatus is the exit status of lock and sem.
const waitStatus = `  1     --nonblock, and it is not free (-E/--busy-status: another status)
  2     wrong usage
  124   --timeout ran out (-E: another status)
  125   mpx itself failed
  126   COMMAND cannot be run
  127   COMMAND is not found

  Otherwise it is the status of COMMAND, or the signal that COMMAND died by: mpx
  has become it.`

type lockOptions struct {
	waitFlags
	busyFlag
	recursive bool
	close     bool
}

func (a *app) lockCommand() *cobra.Command {
	o := &lockOptions{}
	cmd := &cobra.Command{
		Use:     "lock NAME [flags] [--] COMMAND [ARG]...",
		Short:   "Run a command while holding a lock",
		Long:    lockLong,
		Example: lockExamples,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runLock(cmd, o, args) },
	}
	cmd.Flags().SetInterspersed(false)
	o.waitFlags.add(cmd.Flags())
	o.busyFlag.add(cmd.Flags())
	cmd.Flags().BoolVar(&o.recursive, "recursive", false, "a lock that is held already is no obstacle")
	cmd.Flags().BoolVar(&o.close, "close", false, "do not hand the lock down to the command")
	return helped(cmd, waitStatus)
}

// A busyFlag tells "not free" apart from the command's own status, as flock's.
type busyFlag struct{ busy int }

func (b *busyFlag) add(f *pflag.FlagSet) {
	f.IntVarP(&b.busy, "busy-status", "E", -1, "exit with `N` if it is not free in time")
	f.Lookup("busy-status").DefValue = "0" // help says nothing of it: it depends
}

func (b *busyFlag) check() error {
	if b.busy < -1 || b.busy > 255 {
		return usagef("0 to 255", "-E %d is no exit status", b.busy)
	}
	return nil
}

func (a *app) runLock(cmd *cobra.Command, o *lockOptions, args []string) error {
	name, words, err := objectCommand(cmd, args)
	if err != nil {
		return err
	}
	w, err := o.prepare(cmd, &o.busyFlag, words)
	if err != nil {
		return err
	}
	if a.twin != nil { // its elder holds the lock, and has it hold it, too
		return a.beside(words)
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	dir = dir.Within(w)
	l, err := dir.AcquireLock(name, shm.WaitFor(0))
	if errors.Is(err, shm.ErrTimeout) {
		if above, err := o.insideItself(dir, name, w); above || err != nil {
			if err == nil {
				err = become(words, os.Environ())
			}
			return err
		}
		l, err = dir.AcquireLock(name, w)
	}
	if err != nil {
		return a.inVain(dir, name, err, &o.waitFlags, &o.busyFlag)
	}
	held := slices.DeleteFunc(shm.HeldLocks(), func(s string) bool { return s == name })
	if !o.close {
		held = append(held, name)
	}
	return a.runHolding(o, l, words, shm.HeldEnv(held))
}

// insideItself reports whether the command is to run under the lock name, which is not
// free, because a process above this one holds it. Without --recursive that is an
// error where this process has been told so by HeldVar, or would wait for ever.
func (o *lockOptions) insideItself(dir *shm.Dir, name string, w shm.Wait) (bool, error) {
	above, err := dir.HeldAbove(name, outlives)
	var unknown *shm.UnknownError
	var busy *shm.BusyError
	if errors.As(err, &busy) || errors.As(err, &unknown) && !slices.Contains(shm.HeldLocks(), name) {
		return false, nil // nobody has said so, and not all is to be seen
	}
	if err != nil || !above || o.recursive {
		return above, objectError(name, err, nil)
	}
	const hint = "--recursive runs the command under the lock that is held"
	switch {
	case slices.Contains(shm.HeldLocks(), name):
		return false, usagef(hint, shm.HeldVar+" says that the lock %s is held already: to wait for it would be for ever", name)
	case w.Left() < 0:
		return false, usagef(hint, "a process that has started this one holds the lock %s: to wait for it would be for ever", name)
	}
	return false, nil
}

// outlives reports whether the process pid is one of mpx's that live on when what has
// started them is over: nobody above them waits for what they run.
func outlives(pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // an error: it has ended
	words := strings.SplitN(string(line), "\x00", 3)
	return len(words) == 3 && (words[1] == server.KeeperArg || words[1] == server.SupervisorArg)
}

// runHolding runs the command while l is held. With --close this process and its twin
// hold it both, so that it is free when of the two, and of the command, nothing is left.
func (a *app) runHolding(o *lockOptions, l *shm.Lock, words, env []string) error {
	defer runtime.KeepAlive(l)
	if o.close {
		return a.withTwin(env, l.Fd())
	}
	if _, err := proc.HandDown(l.Fd()); err != nil {
		return fmt.Errorf("hand down the lock %s: %w", l.Name, err)
	}
	return become(words, env)
}

// beside runs the command while this process stays, and ends as the command does.
func (a *app) beside(words []string) error {
	end, err := a.twin.run(words, os.Environ(), 0)
	if err != nil {
		return err
	}
	return outcomeOf(end)
}

// prepare checks what lock and sem have in common.
func (w *waitFlags) prepare(cmd *cobra.Command, busy *busyFlag, words []string) (shm.Wait, error) {
	if len(words) == 0 {
		return shm.Wait{}, usagef("usage: mpx "+cmd.Use, "a command is missing")
	}
	if err := busy.check(); err != nil {
		return shm.Wait{}, err
	}
	return w.wait()
}

// inVain says how lock and sem end when they could not acquire name.
func (a *app) inVain(dir *shm.Dir, name string, err error, w *waitFlags, busy *busyFlag) error {
	if !errors.Is(err, shm.ErrTimeout) {
		return objectError(name, err, w)
	}
	var other *shm.BusyError
	switch {
	case errors.As(err, &other):
		fmt.Fprintf(a.says, "mpx: %s: %v\nmpx: hint: %s\n", name, other, other.Hint())
	case !w.nonblock:
		fmt.Fprintf(a.says, "mpx: %s is not free after %s%s\n", name, w.timeout, holders(dir, name))
	}
	if busy.busy >= 0 {
		return &outcome{status: busy.busy}
	}
	return &outcome{status: w.status()}
}

// holders says who holds name, as far as that can be told.
func holders(dir *shm.Dir, name string) string {
	o, err := dir.Within(shm.Once()).Open(name, 0)
	if err != nil {
		return ""
	}
	defer o.Close()
	list, _ := o.Parties()
	if text := partiesText(list, shm.Holds, time.Now()); text != "" {
		return ": held by " + text
	}
	return ""
}
