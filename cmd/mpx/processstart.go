package main

import (
	"errors"
	"fmt"
	"strings"

	"mpx/internal/proc"
	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const processStartLong = `Start COMMAND in the background, and print its name once it runs.

The first word is the NAME, unless -- stands before it, or it has a / in it, which
no name has: then the name is the first of Process-1, Process-2 … that is free. A
name is used once: mpx process rm makes it free again.

With --die-with-parent the process ends when the one that ran this command does,
which is the script's shell, or PID: it gets SIGTERM with all that it has started,
and SIGKILL a second later. In a subshell say --die-with-parent=$$.`

const processStartExamples = `  mpx process start db ./database --port 5432
  mpx process start db --die-with-parent -- ./database
  p=$(mpx process start -- sleep 100)        # no NAME: -- stands before the command
  p=$(mpx process start ./worker --fast)     # no NAME: ./worker has a /
  mpx process start all sh -c './one & ./two & wait'`

func (a *app) processStart() *cobra.Command {
	o := &processStartOptions{}
	cmd := &cobra.Command{
		Use:     "start [NAME] [flags] [--] COMMAND [ARG]...",
		Short:   "Start a command in the background, and print its name",
		Long:    processStartLong,
		Example: processStartExamples,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.startProcess(cmd, o, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.SortFlags = false
	f.Var(&o.parent, "die-with-parent", "end it when the process that ran this one ends, or the process PID")
	f.Var(&o.parent, "daemon", "Python's word for --die-with-parent")
	for _, name := range []string{"die-with-parent", "daemon"} {
		f.Lookup(name).NoOptDefVal = theParent
	}
	return helped(cmd, `  0     it runs
  2     wrong usage, or there is an object of that name
  125   mpx itself failed
  126   COMMAND cannot be run
  127   COMMAND is not found`)
}

func (a *app) startProcess(cmd *cobra.Command, o *processStartOptions, args []string) error {
	name, words, err := processWords(cmd, args)
	if err != nil {
		return err
	}
	parent, err := o.open()
	if err != nil {
		return err
	}
	if parent >= 0 {
		defer unix.Close(parent)
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	s := &server.Spec{Dir: dir, Name: name, Parent: parent}
	if name == "" {
		err = startNumbered(s, words)
	} else {
		err = startOne(s, words)
	}
	if err != nil {
		return notStarted(dir, name, words, err)
	}
	if _, err := fmt.Fprintln(a.stdout, s.Name); err != nil {
		return fmt.Errorf("%s runs; its name cannot be written: %w", s.Name, err)
	}
	return nil
}

// processWords tells the name, "" if there is none, from the command.
func processWords(cmd *cobra.Command, args []string) (name string, words []string, err error) {
	usage := "usage: " + usageOf(cmd)
	switch {
	case len(args) == 0:
		return "", nil, usagef(usage, "a command is missing")
	case cmd.ArgsLenAtDash() == 0 || strings.Contains(args[0], "/"):
		return "", args, nil
	case shm.CheckName(args[0]) != nil:
		return "", nil, usagef("a name is 1 to 100 of A-Z a-z 0-9 . _ -, the first of them no dot; before a command without a name stands --", "%q is no name", args[0])
	}
	name, words, err = objectCommand(cmd, args)
	if err == nil && len(words) == 0 {
		err = usagef(fmt.Sprintf("if %s is the command: mpx process start -- %s", name, name), "after the name, %s, a command is missing", name)
	}
	return name, words, err
}

// startNumbered starts the process under the first name that is free.
func startNumbered(s *server.Spec, words []string) error {
	names, err := s.Dir.Names()
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, n := range names {
		taken[n] = true
	}
	for n := 1; ; n++ {
		s.Name = fmt.Sprint("Process-", n)
		if taken[s.Name] {
			continue
		}
		if err := startOne(s, words); !errors.Is(err, shm.ErrExists) { // else another was quicker
			return err
		}
	}
}

func startOne(s *server.Spec, words []string) (err error) {
	var other error // it is not about the command
	err = start(words, func(path string, argv []string) error {
		s.Path, s.Argv = path, argv
		err := server.Start(s)
		var run *server.RunError
		if err != nil && !errors.As(err, &run) {
			other = err
			return nil
		}
		return err
	})
	if other != nil {
		return other
	}
	return err
}

// notStarted says why words have not been started as name.
func notStarted(dir *shm.Dir, name string, words []string, err error) error {
	var c *commandError
	if errors.As(err, &c) && c.hint == "" && name != "" {
		if _, found := proc.LookPath(name); found == nil {
			c.hint = fmt.Sprintf("%s is the process's name here; without one: mpx process start -- %s %s …", name, name, words[0])
		}
	}
	if errors.Is(err, shm.ErrExists) {
		return nameTaken(dir, name)
	}
	return err
}

// nameTaken says by what the name is taken: a process starts once, as in Python.
func nameTaken(dir *shm.Dir, name string) error {
	p, err := dir.OpenProcess(name)
	if err != nil {
		return objectError(name, err, nil) // an object of another kind
	}
	defer p.Close()
	i, err := p.Look()
	switch {
	case err != nil:
		return objectError(name, err, nil)
	case i.Alive:
		return usagef("another name, or none: mpx process start -- …", "%s is already running, as pid %d", name, i.PID)
	}
	return usagef("mpx process rm "+name+" makes the name free", "%s has run already, and a process starts once", name)
}
