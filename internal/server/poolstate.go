package server

import "time"

// A PoolStatus is what a pool is doing.
type PoolStatus struct {
	Name       string        `json:"name"`
	State      string        `json:"state"`
	Supervisor int           `json:"supervisor"` // pid
	Since      time.Time     `json:"since"`
	Jobs       int           `json:"jobs"`    // workers at most; 0: one a task
	Waiting    int           `json:"waiting"` // tasks that no worker has been given
	Held       int           `json:"held"`    // results that wait for get
	Clients    int           `json:"clients"` // who asks is one
	Done       uint64        `json:"done"`    // tasks
	Log        string        `json:"log"`
	Workers    []WorkerState `json:"workers"`
}

// A WorkerState is what a worker is doing.
type WorkerState struct {
	Worker int        `json:"worker"`
	PID    int        `json:"pid"`
	State  string     `json:"state"` // starting, idle, busy, retiring
	Tasks  int        `json:"tasks"` // that it has been given
	Task   string     `json:"task,omitempty"`
	Since  *time.Time `json:"since,omitempty"` // when that began
}
