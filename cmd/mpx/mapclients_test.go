package main

import (
	"errors"
	"testing"
	"testing/synctest"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// sameTasks yields the same task, one at a time, until it has done so most times.
type sameTasks struct {
	task  task.Task
	most  int
	given int
}

func (s *sameTasks) Next() ([]task.Task, error) {
	if s.given == s.most {
		return nil, errors.New("asked for too many")
	}
	s.given++
	return []task.Task{s.task}, nil
}

// The clients of a named pool read no more ahead than a pool of the run's own: results
// that wait for their turn count with their tasks' data, until they are released.
func TestPoolClientsWindow(t *testing.T) {
	for _, c := range []struct {
		name          string
		size          int
		cfg           pool.Config
		first, second int // tasks read until the window is full, and after three results are released
	}{
		{"bytes", 32 << 20, pool.Config{Jobs: 1}, 8, 11},
		{"tasks", 1, pool.Config{Jobs: 1, Window: 5}, 5, 8},
		{"usual", 1, pool.Config{Jobs: 1}, 16 << 10, 16<<10 + 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &sameTasks{task.Task{Before: true, FromStdin: true, Stdin: make([]byte, c.size)}, 20 << 10, 0}
				p := newPoolClients(nil, c.cfg, nil, nil)
				go p.feed(src)
				synctest.Wait()
				if src.given != c.first {
					t.Errorf("%d tasks were read, want %d", src.given, c.first)
				}
				p.Release(3)
				synctest.Wait()
				if src.given != c.second {
					t.Errorf("%d tasks were read, want %d", src.given, c.second)
				}
				p.Stop(0, 0) // with the window full: no more is read
				synctest.Wait()
				if rs, err := p.Next(); len(rs) != c.second || src.given != c.second || err != nil {
					t.Errorf("%d results of %d tasks, %v", len(rs), src.given, err)
				}
			})
		})
	}
}
