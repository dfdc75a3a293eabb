package worker

// A prologue is the runner of a function that is called in the worker itself
// and has an initializer: that is a command, and after it the function's own
// runner takes over.
type prologue struct {
	runner   // commands, and then after
	commands *execRunner
	after    runner
}

func newPrologue(s *session, after runner) (runner, error) {
	c, err := newCommands(s, nil)
	if err != nil {
		return nil, err
	}
	return &prologue{c, c, after}, nil
}

// busy is what the loop asks first whenever a task may have ended.
func (p *prologue) busy() bool {
	if !p.commands.busy() {
		p.runner = p.after
	}
	return p.runner.busy()
}
