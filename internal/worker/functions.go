package worker

import (
	"fmt"

	"mpx/internal/task"
)

// A Compute is a function that a worker calls in itself: no process is
// started. It must be safe to end by SIGKILL at any instant.
type Compute func(task.Values) Reply

// A Reply is what a Compute gives back: what would be a command's output and
// exit status.
type Reply struct {
	Stdout, Stderr []byte
	Exit           int
}

// A function is one of the two: compute is given the function's configuration
// (JSON); runner starts processes.
type function struct {
	compute func(args []byte) (Compute, error)
	runner  func(*session) (runner, error)
}

// functions is all that a supervisor can call. Functions cross by name, as
// Python pickles them.
var functions = map[string]function{
	"exec":   {runner: newExec},
	"shell":  {runner: newShell},
	"filter": {runner: newFilter},
	"digest": {compute: newDigest},
	"double": {compute: newDouble},
}

// Function returns the Compute that workers know by name, to be called in the
// caller's own process.
func Function(name string, args []byte) (Compute, error) {
	f, ok := functions[name]
	if !ok || f.compute == nil {
		return nil, fmt.Errorf("no function named %q", name)
	}
	return f.compute(args)
}
