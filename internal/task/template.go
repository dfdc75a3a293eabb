package task

import (
	"fmt"
	"strings"
)

// Spec is the user's COMMAND and the flags that decide how it is read. A
// Template is compiled from it; JSON carries it to workers.
type Spec struct {
	Words   []string // COMMAND; empty: every record is a command line of its own
	Replace string   // -I STR; "": the placeholders in braces
	Shell   []string // --shell split into words, without -c; nil: sh, and only where needed
	NoShell bool     // --no-shell: never a shell
	// Resident says that a resident shell runs the tasks: see Script.
	Resident bool
	// Filter says that the command runs once in each worker and takes records on
	// its standard input, one after another: {%} is all that is replaced.
	Filter  bool
	Names   []string // column names from --header
	ToStdin bool     // --stdin: records do not go into words
	Omit    bool     // -n 0: records are not inserted
	Many    bool     // -n N, N > 1 or max: the values are several records
	// Columns is how many values every task has; 0: not known.
	Columns int
	// MultiValue says that a task may have several values: columns, sources or
	// records. Otherwise {2} is text, and {1} the record.
	MultiValue bool
}

// UsageError is a mistake in the command line; Hint is the remedy, "" if none.
type UsageError struct{ Msg, Hint string }

func (e *UsageError) Error() string { return e.Msg }

// RecordError is a record that cannot go into a command; Hint is the remedy,
// "" if none.
type RecordError struct{ Msg, Hint string }

func (e *RecordError) Error() string { return e.Msg }

// A Template makes argument vectors of tasks. It has one of three kinds: words
// that are filled in, a shell line with a constant script, or no COMMAND at
// all. It may be used by several goroutines.
type Template struct {
	spec  Spec
	words []argWord  // an argument vector
	line  *shellLine // a shell line
	// lists says that values are appended, each a word of its own.
	lists bool
}

// Compile reads a command. Its errors are of type *UsageError.
func Compile(s Spec) (*Template, error) {
	if n := len(s.Shell); n > 0 && s.Shell[n-1] == "-c" {
		s.Shell = s.Shell[:n-1]
	}
	s.ToStdin = s.ToStdin || s.Filter
	tp := &Template{spec: s}
	if err := tp.compile(); err != nil {
		return nil, err
	}
	return tp, nil
}

// compile returns a nil interface or a *UsageError in it.
func (tp *Template) compile() error {
	s := &tp.spec
	var err *UsageError
	switch {
	case s.NoShell && len(s.Shell) > 0:
		err = &UsageError{"--shell and --no-shell exclude each other", ""}
	case len(s.Words) == 0:
		err = s.checkLines()
	case s.Filter && s.MultiValue:
		err = &UsageError{"a filter takes one record after another, and several sources make several values a task", "write the combinations to a file and read that with -a"}
	case strings.TrimSpace(s.Words[0]) == "":
		err = &UsageError{"the command is empty", "without COMMAND each record is a command line"}
	case len(s.Words) > 1:
		var words [][]part
		for _, w := range s.Words {
			words = append(words, s.parts(w))
		}
		err = tp.compileWords(words)
	default:
		err = tp.compileLine(s.Words[0])
	}
	if err != nil {
		return err
	}
	return nil
}

// checkLines refuses the flags that need a COMMAND.
func (s *Spec) checkLines() *UsageError {
	what := ""
	switch {
	case s.Filter:
		return &UsageError{"--worker filter without a COMMAND: it is what runs in each worker", "mpx map --worker filter jq --unbuffered .name"}
	case s.ToStdin:
		what = "--stdin"
	case s.Omit || s.Many:
		what = "-n"
	case s.MultiValue || len(s.Names) > 0:
		what = "columns and several sources"
	case s.Replace != "":
		what = "-I"
	default:
		return nil
	}
	return &UsageError{
		Msg:  what + " without a COMMAND: each record is a command line of its own then",
		Hint: "name a command, as in: mpx map echo {}",
	}
}

// compileLine compiles the COMMAND that is a single word.
func (tp *Template) compileLine(line string) *UsageError {
	s := &tp.spec
	places := s.places(line)
	if len(s.Shell) == 0 && !s.Resident {
		if words, ok := s.directParts(line, places); ok {
			return tp.compileWords(words)
		}
	}
	if s.NoShell {
		return &UsageError{
			Msg:  "--no-shell: only a shell can read " + Quote(line),
			Hint: "give the command and its arguments as words of their own",
		}
	}
	if err := s.checkPlaces(places); err != nil {
		return err
	}
	var err *UsageError
	tp.line, err = s.compileShell(line, places)
	return err
}

// checkPlaces refuses values that are not there to be inserted.
func (s *Spec) checkPlaces(ps []place) *UsageError {
	for _, p := range ps {
		if s.Filter && p.origin != fromSlot {
			return &UsageError{
				Msg:  p.text + " changes from record to record, but a filter is started once for many: only {%} stands for something",
				Hint: "records come on its standard input; with -I STR all braces are text",
			}
		}
		if s.ToStdin && p.origin == fromValues {
			return &UsageError{
				Msg:  p.text + " stands for a record, but --stdin sends records to standard input",
				Hint: "with -I STR all braces are text",
			}
		}
	}
	return nil
}

// appends reports whether values are appended to a command with ps.
func (s *Spec) appends(ps []place) bool {
	return !s.ToStdin && !s.Omit && !usesValues(ps)
}

// spreads reports whether p, being a word of its own, is one word a value.
func (s *Spec) spreads(p *place) bool {
	return (s.Many || s.Omit) && p.origin == fromValues && p.col == 0 && p.form == formAsIs
}

// manyError refuses one placeholder for several records within a word.
func manyError(p *place) *UsageError {
	return &UsageError{
		Msg:  fmt.Sprintf("%s inside a longer word stands for several records (-n)", p.text),
		Hint: fmt.Sprintf("%s is the first of them", p.first()),
	}
}
