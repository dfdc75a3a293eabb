package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// exports are the files that bench writes beside its table, by their flags.
type exports struct {
	places [3]place    // - is stdout; "": not wanted
	files  [3]*os.File // nil: not wanted
	table  *os.File    // where the table goes: stderr when a file is stdout
}

// render holds what makes each of them.
var render = [3]func(*benchSum) ([]byte, error){(*benchSum).json, (*benchSum).markdown, (*benchSum).svg}

func (e *exports) addFlags(f *pflag.FlagSet) {
	for i, flag := range [3][2]string{
		{"json", "write all times and figures to `FILE`, as hyperfine's --export-json does; - is stdout"},
		{"markdown", "write a table to `FILE`, as Markdown; - is stdout"},
		{"svg", "write a plot of the speed-up over the workers to `FILE`; - is stdout"},
	} {
		e.places[i].what = flag[0]
		f.StringVar(&e.places[i].path, flag[0], "", flag[1])
	}
}

// open makes or empties the files before anything is timed, so that a mistake
// shows at once. input are the files that tasks are read from.
func (e *exports) open(a *app, input []string) (err error) {
	e.table = a.stdout
	var named []place
	for i, p := range e.places {
		switch {
		case p.path != "-":
			named = append(named, p)
		case e.table != a.stdout:
			return usagef("name a file for one of them", "--%s -: stdout is taken", p.what)
		default:
			e.table, e.files[i] = a.stderr, a.stdout
		}
	}
	if err := checkPlaces(input, named); err != nil {
		return err
	}
	for i, p := range e.places {
		if p.path == "" || p.path == "-" {
			continue
		}
		if e.files[i], err = os.Create(p.path); err != nil {
			return fmt.Errorf("open --%s: %w", p.what, err)
		}
	}
	return nil
}

// write writes the table and the files.
func (e *exports) write(a *app, s *benchSum) error {
	_, err := io.WriteString(e.table, s.text(styleFor(e.table)))
	for i, f := range e.files {
		if f == nil {
			continue
		}
		text, werr := render[i](s)
		if werr == nil {
			_, werr = f.Write(text)
		}
		if f != a.stdout {
			werr = cmp.Or(werr, f.Close())
		}
		if werr != nil {
			err = cmp.Or(err, fmt.Errorf("write --%s: %w", e.places[i].what, werr))
		}
	}
	return err
}
