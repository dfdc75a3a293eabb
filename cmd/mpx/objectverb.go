package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An objectVerb is a command on one shared object: mpx GROUP VERB NAME [WORD]….
type objectVerb struct {
	use, short, long, examples, status string

	make     func() *cobra.Command // of one that is no such command: that is all there is of it
	flags    func(*pflag.FlagSet)  // nil: none
	wait     *waitFlags            // of one that waits, if it is to
	waits    *waitFlags            // of one that is there to wait: it has no --nonblock
	min, max int                   // how many words follow NAME
	first    bool                  // flags end at the first of them, as at a command's
	end      bool                  // NAME is an end of a pipe, whose number comes before them
	run      func(d *shm.Dir, name string, words []string) error
}

// anyNumber is the max of a verb that takes as many words as there are.
const anyNumber = 1 << 30

// objectGroup returns a command whose own commands are verbs, or only the one that the
// command line names.
func (a *app) objectGroup(group *cobra.Command, status string, verbs ...objectVerb) *cobra.Command {
	group.Use += " COMMAND NAME [ARG]..."
	makers := make([]maker, len(verbs))
	for i, v := range verbs {
		name, _, _ := strings.Cut(v.use, " ")
		makers[i] = maker{name, func() *cobra.Command { return a.objectVerb(v) }}
	}
	if len(a.args) > 1 && a.args[0] == group.Name() {
		makers = named(makers, a.args[1])
	}
	for _, m := range makers {
		group.AddCommand(m.make())
	}
	group.Args = cobra.ArbitraryArgs
	group.RunE = func(cmd *cobra.Command, args []string) error {
		hint := "mpx " + cmd.Name() + " --help lists its commands"
		if len(args) == 0 {
			return usagef(hint, "mpx %s wants a command", cmd.Name())
		}
		return usagef(hint, "mpx %s has no command %q", cmd.Name(), unmark(args[0]))
	}
	return helped(group, status)
}

func (a *app) objectVerb(v objectVerb) *cobra.Command {
	if v.make != nil {
		return v.make()
	}
	cmd := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Example: v.examples,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runVerb(&v, cmd, args) },
	}
	if v.long == "" {
		cmd.Long = v.short + "."
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.SetInterspersed(!v.first)
	if v.flags != nil {
		v.flags(f)
	}
	switch {
	case v.wait != nil:
		v.wait.add(f)
	case v.waits != nil:
		v.wait = v.waits
		v.waits.addTimeout(f)
	}
	return helped(cmd, v.status)
}

func (a *app) runVerb(v *objectVerb, cmd *cobra.Command, args []string) error {
	for i := range args {
		args[i] = unmark(args[i])
	}
	number := ""
	if v.end {
		var err error
		if number, err = cutEnd(args); err != nil {
			return err
		}
	}
	take := objectName
	if v.first {
		take = objectCommand
	}
	name, words, err := take(cmd, args)
	if err != nil {
		return err
	}
	usage := "usage: " + usageOf(cmd)
	switch {
	case len(words) < v.min:
		return usagef(usage, "something is missing after %s", name)
	case len(words) > v.max:
		return usagef(usage, "%q is one too many", words[v.max])
	}
	d, err := a.objects()
	if err != nil {
		return err
	}
	if v.end {
		words = append([]string{number}, words...)
	}
	if v.wait != nil { // so long it waits also for those who change the object
		w, err := v.wait.wait()
		if err != nil {
			return err
		}
		d = d.Within(w)
	}
	err = v.run(d, name, words)
	var u *usageError
	if errors.As(err, &u) {
		return err
	}
	return objectError(name, err, v.wait)
}

// removeVerb is the rm of a kind.
func removeVerb(kind shm.Kind, examples string) objectVerb {
	return objectVerb{
		use: "rm NAME", short: "Remove it", examples: examples,
		status: statusDone + statusNone,
		run: func(d *shm.Dir, name string, _ []string) error {
			o, err := d.Open(name, kind)
			if err != nil {
				return err
			}
			defer o.Close()
			return o.Remove()
		},
	}
}

// Lines of EXIT STATUS that many verbs have.
const (
	statusDone = "  0     it is done\n"
	statusNone = "  2     wrong usage, or there is none of that name\n  125   mpx itself failed: I/O"
	statusAny  = "  2     wrong usage\n  125   mpx itself failed: I/O"
	statusWait = "  1     --nonblock, and it would have had to wait\n  124   the --timeout ran out\n"
)

// found makes an object, or opens the one of that name if ifMissing says that it
// will do.
func found[T any](ifMissing bool, create, open func() (T, error)) (T, error) {
	for {
		o, err := create()
		if !ifMissing || !errors.Is(err, shm.ErrExists) {
			return o, err
		}
		o, err = open()
		if !errors.Is(err, shm.ErrNotExist) { // else it has just been removed
			return o, err
		}
	}
}

// numberMark stands before a negative number while cobra tells flags from
// arguments: -1 looks like a flag. No argument of a process has a NUL byte.
const numberMark = "\x00"

// markNumbers marks the negative numbers among the arguments of a command that
// takes numbers.
func markNumbers(args []string) []string {
	if len(args) == 0 || args[0] != "value" && args[0] != "array" {
		return args
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if _, err := strconv.ParseFloat(arg, 64); strings.HasPrefix(arg, "-") && (err == nil || errors.Is(err, strconv.ErrRange)) {
			args[i] = numberMark + arg
		}
	}
	return args
}

func unmark(arg string) string { return strings.TrimPrefix(arg, numberMark) }

// typeFlag is --type, the type of a value or of an array's items.
type typeFlag struct{ name string }

func (t *typeFlag) add(f *pflag.FlagSet, first string) {
	f.StringVar(&t.name, "type", first, "its `TYPE`: "+typeChoice)
}

// typeChoice are the types that there are.
const typeChoice = "i8|i16|i32|i64|u8|u16|u32|u64|f32|f64"

func (t *typeFlag) parse() (shm.Type, error) {
	hint := "i8 to i64 (with a sign), u8 to u64 (without one), f32 or f64 (floating)"
	if t.name == "" {
		return 0, usagef(hint, "--type is missing")
	}
	typ, ok := shm.ParseType(unmark(t.name))
	if !ok {
		return 0, usagef(hint, "--type %s is not known", unmark(t.name))
	}
	return typ, nil
}

// parseNumber reads an argument as a t.
func parseNumber(t shm.Type, text string) (uint64, error) {
	bits, err := t.Parse(text)
	if err != nil {
		return 0, badNumber(t, text)
	}
	return bits, nil
}

func badNumber(t shm.Type, text string) error {
	return usagef(fmt.Sprintf("%v is %s", t, t.Range()), "%q is no %v", text, t)
}
