package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const arrayLong = `A row of numbers that processes share (Python's multiprocessing.Array).

Each number is read and written in one step; several in a row are as many steps.
Its length never changes. An INDEX counts from 0, a negative one from the end.
path prints the file, in which the numbers stand as C has them, so that other
programs can map it: docs/OBJECTS.md says how.`

const arrayExamples = `  mpx array create times --type f64 100
  mpx map 'mpx array set times $((MPX_SEQ - 1)) "$(./measure {})"' < hosts
  mpx array get times | sort -n | tail -1
  mpx array slice times -10 100             # the last ten`

func (a *app) arrayCommand() *cobra.Command {
	const statusIndex = "  1     there is no item of that index\n"
	return a.objectGroup(
		&cobra.Command{Use: "array", Short: "Numbers in a row that processes share", Long: arrayLong, Example: arrayExamples},
		"  0     it is done\n  1     there is no item of that index\n"+statusNone,
		a.arrayCreate(),
		objectVerb{
			use: "get NAME [INDEX]", short: "Print all items, one a line, or one", max: 1,
			examples: "  mpx array get times\n  mpx array get times -1               # the last",
			status:   "  0     it was printed\n" + statusIndex + statusNone,
			run:      a.getArray,
		},
		objectVerb{
			use: "set NAME INDEX VALUE...|-", short: "Set items from INDEX on; - reads them from stdin", min: 2, max: anyNumber,
			long: "Set the items from INDEX on, one after another. The VALUE - is all of stdin, a\nnumber a line. " +
				"What does not fit changes nothing.",
			examples: "  mpx array set times 3 1.25\n  mpx array set times 0 0 0 0\n  seq 100 | mpx array set times 0 -",
			status:   statusDone + statusIndex + statusNone,
			run:      a.setArray,
		},
		objectVerb{
			use: "slice NAME START END", short: "Print the items from START until before END", min: 2, max: 2,
			long: "Print the items from START until before END, one a line, by the rules of\nPython's slices: " +
				"negative ones count from the end, and what is beyond an end is\nthat end.",
			examples: "  mpx array slice times 0 10\n  mpx array slice times -10 100        # the last ten",
			status:   "  0     they were printed, if any\n" + statusNone,
			run:      a.sliceArray,
		},
		objectVerb{
			use: "path NAME", short: "Print the path of its file",
			long: "Print the path of its file. The numbers begin at byte 8192, in the machine's\nbyte order, " +
				"and end with the file.",
			examples: "  mpx array path times\n  od -A n -t f8 -j 8192 \"$(mpx array path times)\"",
			status:   "  0     it was printed\n" + statusNone,
			run: onArray(func(arr *shm.Array, _ []string) error {
				_, err := fmt.Fprintln(a.stdout, arr.Path())
				return err
			}),
		},
		removeVerb(shm.KindArray, "  mpx array rm times\n  trap 'mpx array rm times' EXIT"),
	)
}

// onArray opens the array for do.
func onArray(do func(arr *shm.Array, words []string) error) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, words []string) error {
		arr, err := d.OpenArray(name)
		if err != nil {
			return err
		}
		defer arr.Close()
		err = do(arr, words)
		var out *shm.IndexError
		if errors.As(err, &out) {
			return &failedError{err.Error(), ""}
		}
		return err
	}
}

func (a *app) getArray(d *shm.Dir, name string, words []string) error {
	return onArray(func(arr *shm.Array, words []string) error {
		if len(words) == 0 {
			return a.printItems(arr, 0, arr.Len())
		}
		at, err := itemAt(arr, words[0])
		if err != nil {
			return err
		}
		return a.printItems(arr, at, at+1)
	})(d, name, words)
}

func (a *app) sliceArray(d *shm.Dir, name string, words []string) error {
	return onArray(func(arr *shm.Array, words []string) error {
		start, err := parseIndex(words[0])
		if err != nil {
			return err
		}
		end, err := parseIndex(words[1])
		if err != nil {
			return err
		}
		from, to := arr.Bounds(start, end)
		return a.printItems(arr, from, to)
	})(d, name, words)
}

// printItems prints items, a line each, some thousands at a time: they may be
// more than there is memory for.
func (a *app) printItems(arr *shm.Array, from, to int) error {
	const atOnce = 8192
	w := bufio.NewWriterSize(a.stdout, 64<<10)
	for ; from < to; from += atOnce {
		items, err := arr.Get(from, min(to, from+atOnce))
		if err != nil {
			return err
		}
		for _, bits := range items {
			if _, err := w.WriteString(arr.Type().Text(bits) + "\n"); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func (a *app) setArray(d *shm.Dir, name string, words []string) error {
	return onArray(func(arr *shm.Array, words []string) error {
		at, err := itemAt(arr, words[0])
		if err != nil {
			return err
		}
		items, err := a.numbers(arr.Type(), words[1:], arr.Len()-at)
		if err != nil {
			return err
		}
		return arr.Set(at, items...)
	})(d, name, words)
}

// numbers reads words as numbers, or stdin if there is but the word -. Of stdin it
// reads at most one more than limit.
func (a *app) numbers(t shm.Type, words []string, limit int) (items []uint64, err error) {
	if len(words) == 1 && words[0] == "-" {
		return readNumbers(a.stdin, t, limit)
	}
	for _, w := range words {
		bits, err := parseNumber(t, w)
		if err != nil {
			return nil, err
		}
		items = append(items, bits)
	}
	return items, nil
}

func readNumbers(r io.Reader, t shm.Type, limit int) (items []uint64, err error) {
	lines := bufio.NewScanner(r)
	for len(items) <= limit && lines.Scan() {
		bits, err := parseNumber(t, strings.TrimSpace(lines.Text()))
		if err != nil {
			return nil, fmt.Errorf("line %d of stdin: %w", len(items)+1, err)
		}
		items = append(items, bits)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	return items, nil
}

// itemAt reads the index of an item.
func itemAt(arr *shm.Array, text string) (int, error) {
	i, err := parseIndex(text)
	if err != nil {
		return 0, err
	}
	return arr.Index(i)
}

// parseIndex reads an index. One beyond all arrays is beyond this one.
func parseIndex(text string) (int, error) {
	i, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, usagef("a whole number: 0 is the first, -1 the last", "%q is no index", text)
	}
	return i, nil
}

func (a *app) arrayCreate() objectVerb {
	c := &arrayMaker{a: a}
	return objectVerb{
		use: "create --type TYPE [--if-missing] NAME LENGTH|VALUE VALUE...|-", short: "Make one of LENGTH zeros, or of values",
		long: "Make one: a single number is how many zeros it has, several are its items; - is\nitems from stdin, " +
			"a number a line.",
		examples: "  mpx array create times --type f64 100\n  mpx array create weights --type f32 0.5 0.25 0.25\n" +
			"  seq 1000 | mpx array create n --type u16 -",
		status: statusDone + "  2     wrong usage, or there is one of that name (--if-missing: another sort of one)\n" +
			"  125   mpx itself failed: I/O, no room",
		min: 1, max: anyNumber,
		flags: func(f *pflag.FlagSet) {
			c.t.add(f, "")
			f.BoolVar(&c.ifMissing, "if-missing", false, "leave one that is there as it is")
		},
		run: c.run,
	}
}

// An arrayMaker is mpx array create.
type arrayMaker struct {
	a         *app
	t         typeFlag
	ifMissing bool
}

func (c *arrayMaker) run(d *shm.Dir, name string, words []string) error {
	typ, err := c.t.parse()
	if err != nil {
		return err
	}
	length, create, err := c.plan(d, name, typ, words)
	if err != nil {
		return err
	}
	arr, err := found(c.ifMissing, create, func() (*shm.Array, error) { return d.OpenArray(name) })
	if err != nil {
		return err
	}
	defer arr.Close()
	if arr.Type() != typ || arr.Len() != length {
		return usagef("another name, or leave it as it is", "%s is there, and has %d items of type %v, not %d of %v", name, arr.Len(), arr.Type(), length, typ)
	}
	return nil
}

// plan reads what the array is to be.
func (c *arrayMaker) plan(d *shm.Dir, name string, typ shm.Type, words []string) (length int, create func() (*shm.Array, error), err error) {
	if len(words) == 1 && words[0] != "-" {
		n, err := strconv.Atoi(words[0])
		if err != nil || n < 0 {
			return 0, nil, usagef("a whole number of items, or two items or more, or - for stdin", "%q is no length", words[0])
		}
		return n, func() (*shm.Array, error) { return d.MakeArray(name, typ, n) }, nil
	}
	items, err := c.a.numbers(typ, words, 1<<40)
	if err != nil {
		return 0, nil, err
	}
	return len(items), func() (*shm.Array, error) { return d.MakeArrayOf(name, typ, items) }, nil
}
