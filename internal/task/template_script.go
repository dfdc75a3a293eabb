package task

// Shell returns the words of the shell that reads the command, without -c.
func (tp *Template) Shell() []string { return tp.spec.shellWords() }

// Script returns the task t as a resident shell runs it: a script, and the
// arguments that are $1, $2 … to it. The script is the same for all tasks, but
// where a record is a command line. An error is a *RecordError.
func (tp *Template) Script(t *Task, slot int) (script string, args []string, err error) {
	f := filling{task: t, slot: slot, omit: tp.spec.Omit}
	switch {
	case tp.words != nil:
		script, args = `"$@"`, tp.fill(&f)
	case tp.line != nil:
		n := len(tp.line.command)
		script, args = tp.line.command[n-2], tp.line.argv(&f)[n:]
	default:
		script = string(f.appendValue(nil, 0, formAsIs))
	}
	return script, args, checkNUL(append(args, script), t)
}
