package main

import (
	"errors"
	"fmt"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// objects opens the directory of the user's shared objects.
func (a *app) objects() (*shm.Dir, error) {
	shm.OnBusy(func(name string, busy *shm.BusyError) {
		fmt.Fprintf(a.says, "mpx: %s: waiting: %v\nmpx: hint: %s\n", name, busy, busy.Hint())
	})
	return shm.OpenDir(shm.DefaultDir())
}

// objectName takes the name of an object off the front of a command's arguments.
func objectName(cmd *cobra.Command, args []string) (name string, rest []string, err error) {
	usage := "usage: mpx " + cmd.Use
	if cmd.HasParent() && cmd.Parent().HasParent() {
		usage = "usage: mpx " + cmd.Parent().Name() + " " + cmd.Use
	}
	if len(args) == 0 {
		return "", nil, usagef(usage, "a name is missing")
	}
	if err := shm.CheckName(args[0]); err != nil {
		return "", nil, usagef("1 to 100 of A-Z a-z 0-9 . _ -, the first of them no dot", "%v", err)
	}
	return args[0], args[1:], nil
}

// objectCommand is objectName for a command that runs another: flags stand before
// and after NAME and end at COMMAND's first word, or at --.
func objectCommand(cmd *cobra.Command, args []string) (name string, command []string, err error) {
	name, rest, err := objectName(cmd, args)
	if err != nil || cmd.ArgsLenAtDash() == 0 {
		return name, rest, err
	}
	if err := cmd.Flags().Parse(rest); err != nil {
		return "", nil, flagError(cmd, err)
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return "", nil, pflag.ErrHelp // cobra shows it
	}
	return name, cmd.Flags().Args(), refuseEmpty(cmd.Flags())
}

// parseWait returns how long a command waits: for ever, unless it has a --timeout
// or --nonblock.
func parseWait(timeout string, nonblock bool) (shm.Wait, error) {
	switch {
	case timeout != "" && nonblock:
		return shm.Wait{}, usagef("--nonblock does not wait at all", "--timeout and --nonblock exclude each other")
	case nonblock:
		return shm.WaitFor(0), nil
	case timeout == "":
		return shm.Wait{}, nil
	}
	d, err := parseDuration(timeout)
	if err != nil {
		return shm.Wait{}, usagef("seconds, or 1.5s, 2m, 1d", "--timeout %s makes no sense", timeout)
	}
	return shm.WaitFor(d), nil
}

// waitFlags are the flags of a command that waits for an object.
type waitFlags struct {
	timeout  string
	nonblock bool
}

func (w *waitFlags) add(f *pflag.FlagSet) {
	w.addTimeout(f)
	f.BoolVar(&w.nonblock, "nonblock", false, "do not wait")
}

// addTimeout adds the one flag of a command that is only there to wait.
func (w *waitFlags) addTimeout(f *pflag.FlagSet) {
	f.StringVarP(&w.timeout, "timeout", "w", "", "wait at most `DUR`: seconds, or 1.5s, 2m, 1d")
}

func (w *waitFlags) wait() (shm.Wait, error) { return parseWait(w.timeout, w.nonblock) }

// status returns the exit status of a wait that was in vain.
func (w *waitFlags) status() int {
	if w.nonblock {
		return exitFailed
	}
	return exitTimeout
}

// objectError says how a command on the object name ends by err. w may be nil: it
// does not wait.
func objectError(name string, err error, w *waitFlags) error {
	var kind *shm.KindError
	var busy *shm.BusyError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, shm.ErrTimeout) && w != nil && errors.As(err, &busy):
		return &commandError{msg: fmt.Sprintf("%s: %v", name, busy), hint: busy.Hint(), status: w.status()}
	case errors.Is(err, shm.ErrTimeout) && w != nil:
		return &outcome{status: w.status()}
	case errors.As(err, &kind):
		return usagef("another name; mpx ls tells which are taken", "%v", err)
	case errors.Is(err, shm.ErrNotExist):
		return usagef("mpx ls lists what there is; create makes one", "%s: %v", name, err)
	case errors.Is(err, shm.ErrExists):
		return usagef("another name, or mpx rm "+name+" first", "%s: %v", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}
