package main

import (
	"errors"
	"fmt"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const valueLong = `A number that processes share (Python's multiprocessing.Value).

add and cas are one step each: whatever others do at the same time, no addition
is lost (Python's v.value += 1 loses some without the lock). A number that the
type cannot hold is refused, and does not wrap around.`

const valueExamples = `  mpx value create done
  mpx map './job {} && mpx value add done 1 >/dev/null' < jobs &
  watch mpx value get done
  mpx value cas leader 0 $$ && echo "I lead"`

func (a *app) valueCommand() *cobra.Command {
	return a.objectGroup(
		&cobra.Command{Use: "value", Short: "A number that processes share", Long: valueLong, Example: valueExamples},
		"  0     it is done\n  1     cas: it was not OLD; add: the type cannot hold the sum\n"+statusNone,
		valueCreate(),
		objectVerb{
			use: "get NAME", short: "Print it",
			examples: "  mpx value get done\n  test \"$(mpx value get done)\" -ge 100",
			status:   "  0     it was printed\n" + statusNone,
			run:      a.onValue(func(v *shm.Value, _ []string) (uint64, error) { return v.Get() }),
		},
		objectVerb{
			use: "set NAME VALUE", short: "Set it", min: 1, max: 1,
			examples: "  mpx value set done 0\n  mpx value set limit -1.5",
			status:   statusDone + statusNone,
			run:      setValue,
		},
		objectVerb{
			use: "add NAME NUMBER", short: "Add to it, and print the sum", min: 1, max: 1,
			long:     "Add NUMBER, which may be negative, in one step, and print the sum.",
			examples: "  mpx value add done 1\n  ticket=$(mpx value add tickets 1)    # nobody else gets this one\n  mpx value add left -1",
			status:   statusDone + "  1     the type cannot hold the sum; the number is as it was\n" + statusNone,
			run:      a.onValue(addValue),
		},
		objectVerb{
			use: "cas NAME OLD NEW", short: "Set it to NEW if it is OLD, and print what it is", min: 2, max: 2,
			long:     "Compare and swap: set it to NEW if it is OLD, in one step, and print what it is\nthen.",
			examples: "  mpx value cas leader 0 $$ && echo 'I lead'\n  mpx value cas state 1 2 || echo 'somebody was quicker'",
			status:   "  0     it was OLD and is NEW\n  1     it was not OLD, and is as it was\n" + statusNone,
			run:      a.onValue(swapValue),
		},
		removeVerb(shm.KindValue, "  mpx value rm done\n  trap 'mpx value rm done' EXIT"),
	)
}

// onValue opens the value for do, and prints the number that do returns; also, if
// it says so, with a status of its own.
func (a *app) onValue(do func(v *shm.Value, words []string) (bits uint64, err error)) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, words []string) error {
		v, err := d.OpenValue(name)
		if err != nil {
			return err
		}
		defer v.Close()
		bits, err := do(v, words)
		var o *outcome
		if err != nil && !errors.As(err, &o) {
			return err
		}
		if _, werr := fmt.Fprintln(a.stdout, v.Type().Text(bits)); werr != nil {
			return werr
		}
		return err
	}
}

func setValue(d *shm.Dir, name string, words []string) error {
	v, err := d.OpenValue(name)
	if err != nil {
		return err
	}
	defer v.Close()
	bits, err := parseNumber(v.Type(), words[0])
	if err != nil {
		return err
	}
	return v.Set(bits)
}

func addValue(v *shm.Value, words []string) (uint64, error) {
	delta, err := v.Type().ParseDelta(words[0])
	if err != nil {
		return 0, badNumber(v.Type(), words[0])
	}
	sum, err := v.Add(delta)
	var out *shm.RangeError
	if errors.As(err, &out) {
		return 0, &failedError{err.Error(), ""}
	}
	return sum, err
}

func swapValue(v *shm.Value, words []string) (uint64, error) {
	old, err := parseNumber(v.Type(), words[0])
	if err != nil {
		return 0, err
	}
	bits, err := parseNumber(v.Type(), words[1])
	if err != nil {
		return 0, err
	}
	now, swapped, err := v.Swap(old, bits)
	if err == nil && !swapped {
		err = &outcome{status: exitFailed}
	}
	return now, err
}

func valueCreate() objectVerb {
	t := &typeFlag{}
	var ifMissing bool
	return objectVerb{
		use: "create [--type TYPE] [--if-missing] NAME [VALUE]", short: "Make one; it is 0, or VALUE", max: 1,
		examples: "  mpx value create done\n  mpx value create limit --type f64 -1.5\n  mpx value create tickets --if-missing 1000",
		status:   statusDone + "  2     wrong usage, or there is one of that name (--if-missing: of another type)\n  125   mpx itself failed: I/O",
		flags: func(f *pflag.FlagSet) {
			t.add(f, "i64")
			f.BoolVar(&ifMissing, "if-missing", false, "leave one that is there as it is")
		},
		run: func(d *shm.Dir, name string, words []string) error {
			typ, err := t.parse()
			if err != nil {
				return err
			}
			bits, err := parseNumber(typ, append(words, "0")[0])
			if err != nil {
				return err
			}
			v, err := found(ifMissing,
				func() (*shm.Value, error) { return d.MakeValue(name, typ, bits) },
				func() (*shm.Value, error) { return d.OpenValue(name) })
			if err != nil {
				return err
			}
			defer v.Close()
			if v.Type() != typ {
				return usagef("another name, or leave it as it is", "%s is there, and is of type %v, not %v", name, v.Type(), typ)
			}
			return nil
		},
	}
}
