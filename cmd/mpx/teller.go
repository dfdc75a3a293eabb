package main

import "sync"

// A teller says things to the user in order, for callers that must not wait
// until stdout and stderr take them: the scheduler goes on while the report
// waits for a reader.
type teller struct {
	mu     sync.Mutex // guards the following
	queue  []func()
	idle   bool
	change sync.Cond
}

func newTeller() *teller {
	t := &teller{idle: true}
	t.change.L = &t.mu
	return t
}

// later runs f after what has been given before.
func (t *teller) later(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, f)
	if t.idle {
		t.idle = false
		go t.run()
	}
}

func (t *teller) run() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) > 0 {
		todo := t.queue
		t.queue = nil
		t.mu.Unlock()
		for _, f := range todo {
			f()
		}
		t.mu.Lock()
	}
	t.idle = true
	t.change.Broadcast()
}

// wait returns when everything has been said.
func (t *teller) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.idle {
		t.change.Wait()
	}
}
