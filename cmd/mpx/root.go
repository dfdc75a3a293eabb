package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"mpx/internal/report"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An app is one run of mpx: what main hands to the commands.
type app struct {
	stdin, stdout, stderr *os.File
	says                  io.Writer // stderr, for what mpx itself says
	args                  []string  // the command line
	twin                  *twin     // nil: this is the process that the user has started
}

// newApp returns an app on this process's own files.
func newApp(t *twin) *app {
	return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, says: messagesTo(os.Stderr), twin: t}
}

// messagesTo is f for what mpx says.
func messagesTo(f *os.File) io.Writer {
	return &report.Messages{W: f, Terminal: func() bool { return isTerminal(f) }, GitHub: onGitHub()}
}

// onGitHub reports whether this is a job of GitHub Actions.
func onGitHub() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }

// run executes the command line args.
func (a *app) run(args []string) (status int, sig syscall.Signal) {
	root := a.root(args)
	if completing(args) {
		addCompletions(root)
	}
	help := &errWriter{w: a.stdout}
	root.SetOut(help)
	root.SetErr(a.says)
	root.SetArgs(markNumbers(args))
	err := root.Execute()
	if err == nil {
		err = help.err
	}
	return explain(a.says, err)
}

// A maker makes the command of a name.
type maker struct {
	name string
	make func() *cobra.Command
}

// commands are mpx's commands, those used most first.
func (a *app) commands() []maker {
	return []maker{
		{"map", a.mapCommand},
		{"digest", a.digestCommand},
		{"bench", a.benchCommand},
		{"lock", a.lockCommand},
		{"sem", a.semCommand},
		{"semaphore", a.semaphoreCommand},
		{"event", a.eventCommand},
		{"cond", a.condCommand},
		{"barrier", a.barrierCommand},
		{"value", a.valueCommand},
		{"array", a.arrayCommand},
		{"queue", a.queueCommand},
		{"pipe", a.pipeCommand},
		{"pool", a.poolCommand},
		{"process", a.processCommand},
		{"ls", a.lsCommand},
		{"rm", a.rmCommand},
		{"cpu-count", a.cpuCountCommand},
		{"completion", a.completionCommand},
	}
}

// named returns the one of all that has that name, or all if there is none: to make all
// takes longer than what a short command does.
func named(all []maker, name string) []maker {
	if i := slices.IndexFunc(all, func(m maker) bool { return m.name == name }); i >= 0 {
		return all[i:][:1]
	}
	return all
}

// root returns the tree of commands, or of those that args name.
func (a *app) root(args []string) *cobra.Command {
	a.args = args
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:           "mpx",
		Short:         "Python's multiprocessing for the shell",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          a.noCommand,

		PersistentPreRunE:          func(cmd *cobra.Command, _ []string) error { return refuseEmpty(cmd.Flags()) },
		SuggestionsMinimumDistance: 2,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(showRootHelp)
	// cobra's own --version comes with templates, which are a quarter of mpx.
	root.Flags().Bool("version", false, "tell the version and what it was built from")
	all := a.commands()
	if len(args) > 0 {
		all = named(all, args[0])
	}
	for _, m := range all {
		root.AddCommand(m.make())
	}
	return root
}

// An errWriter keeps the first error: cobra drops those of its help.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	e.err = cmp.Or(e.err, err)
	return n, err
}

// refuseEmpty refuses a flag whose value is the empty string: a variable of the
// caller's script that is not set, as often as not.
func refuseEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("leave it out, or give it a value", "the value of --%s is empty", f.Name)
		}
	})
	return err
}

// noCommand answers mpx without a command of its own.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
	if tell, _ := cmd.Flags().GetBool("version"); tell {
		_, err := fmt.Fprintln(a.stdout, version())
		return err
	}
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := "mpx --help lists the commands"
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		hint = fmt.Sprintf("did you mean mpx %s?", s[0])
	} else if _, err := os.Stat(args[0]); err == nil {
		hint = fmt.Sprintf("to run it for each line of stdin: mpx map %s", args[0])
	}
	return usagef(hint, "there is no command %q", args[0])
}

// helped sets what cobra shows for cmd: its text, its own commands, then its flags,
// then its exit status.
func helped(cmd *cobra.Command, status string) *cobra.Command {
	cmd.SetHelpFunc(func(c *cobra.Command, _ []string) {
		w := c.OutOrStdout()
		fmt.Fprintf(w, "%s\n\nUSAGE\n  %s\n\nEXAMPLES\n%s\n", c.Long, usageOf(c), c.Example)
		if c.HasSubCommands() {
			fmt.Fprint(w, "\nSUBCOMMANDS\n")
		}
		for _, sub := range c.Commands() {
			fmt.Fprintf(w, "  %s\n        %s\n", sub.Use, sub.Short)
		}
		if f := c.LocalFlags(); f.HasAvailableFlags() {
			fmt.Fprintf(w, "\nFLAGS\n%s", f.FlagUsagesWrapped(100))
		}
		fmt.Fprintf(w, "\nEXIT STATUS\n%s\n", status)
	})
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		_, err := fmt.Fprintf(c.OutOrStderr(), "usage: %s\n", usageOf(c))
		return err
	})
	return cmd
}

// usageOf returns cmd's usage, which begins with what leads to it.
func usageOf(cmd *cobra.Command) string { return cmd.Parent().CommandPath() + " " + cmd.Use }
