package ipc

import "encoding/json"

// WorkerArg is the first argument of a process that is a worker. It is an
// argument and not a variable of the environment, which tasks would inherit: a
// task that runs mpx must not become a worker. The second argument is the
// number of the board's descriptor.
const WorkerArg = "__worker"

// Config is what a worker is told once, before its first task: functions cross
// by name, with their configuration.
type Config struct {
	Function string          `json:"function"`
	Args     json.RawMessage `json:"args,omitempty"` // the function's own configuration

	Worker int  `json:"worker"` // number among all workers ever started, from 1
	Slot   int  `json:"slot"`   // job slot, from 1
	Jobs   int  `json:"jobs"`   // how many slots there are; 0: one a task
	Delim  byte `json:"delim"`  // ends the records of a span

	Initializer [][]byte `json:"initializer,omitempty"` // argument vector of task 0; bytes, as JSON would mend what is not UTF-8
	Timeout     int64    `json:"timeout,omitempty"`     // a task's time limit in ns; 0: none
	Grace       int64    `json:"grace"`                 // from TERM to KILL, in ns
	KillLeft    bool     `json:"kill_left,omitempty"`   // end what a finished task left running
	Starts      bool     `json:"starts,omitempty"`      // say START

	// After an end that is not one of OKStatus (HoldFailed), or is one (HoldOK),
	// the next task waits for PROCEED.
	OKStatus   []int `json:"ok_status,omitempty"`
	HoldFailed bool  `json:"hold_failed,omitempty"`
	HoldOK     bool  `json:"hold_ok,omitempty"`

	Nice        int    `json:"nice,omitempty"`         // what is added to the nice value of the worker, and so of its tasks
	LimitMemory int64  `json:"limit_memory,omitempty"` // bytes that a task may have: in MemoryGroup, or of address space each of its processes; 0: no limit
	MemoryGroup []byte `json:"memory_group,omitempty"` // the directory of the cgroup that tasks enter, see proc.MemoryGroups; bytes, as those of Initializer
	MaxMemory   int64  `json:"max_memory,omitempty"`   // resident bytes over which the worker says WORN; 0: no limit
	Jobserver   string `json:"jobserver,omitempty"`    // where make's is, see proc.FindJobserver; the worker inherits the descriptors

	// Descriptors of the worker that tasks inherit; 0: a pipe (stdin: /dev/null).
	Stdin  int `json:"stdin,omitempty"`
	Stdout int `json:"stdout,omitempty"`
	Stderr int `json:"stderr,omitempty"`
	// Keep is a descriptor that the worker keeps open and hands to nobody; 0:
	// none.
	Keep int `json:"keep,omitempty"`
	// Terminal leaves worker and tasks in the supervisor's session and process
	// group, so that tasks may use its terminal.
	Terminal bool `json:"terminal,omitempty"`
}
