package main

import (
	"errors"
	"fmt"

	"mpx/internal/server"
	"mpx/internal/shm"
)

func poolClose() objectVerb {
	return objectVerb{
		use: "close NAME", short: "Take no more tasks; what was handed in is done",
		examples: "  mpx pool close thumbs; mpx pool join thumbs\n  trap 'mpx pool close thumbs' EXIT",
		status:   statusDone + poolNone,
		run: func(d *shm.Dir, name string, _ []string) error {
			return onPool(d, name, (*server.PoolClient).Shut)
		},
	}
}

func poolTerminate() objectVerb {
	return objectVerb{
		use: "terminate NAME", short: "End what runs, and take no more tasks",
		long: `End what runs, by SIGTERM and, after start's --kill-after, SIGKILL, and drop what
waits: who has applied or submitted it is told that it was cancelled. A second
terminate kills at once. It does not wait; join does.`,
		examples: "  mpx pool terminate thumbs; mpx pool join thumbs\n  trap 'mpx pool terminate thumbs' EXIT",
		status:   statusDone + poolNone,
		run: func(d *shm.Dir, name string, _ []string) error {
			return onPool(d, name, (*server.PoolClient).Terminate)
		},
	}
}

func poolJoin() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "join [--timeout D] NAME", short: "Wait for the end of a pool that was closed or terminated", waits: w,
		long: `Wait until the last worker is gone. Before close or terminate that is an error, as
in Python. When no result waits the pool is gone with its name: so there is nothing
to wait for where there is no pool of that name.`,
		examples: "  mpx pool close thumbs; mpx pool join thumbs\n  mpx pool join thumbs --timeout 1h",
		status:   "  0     it has ended, or there is none of that name\n  124   the --timeout ran out\n  2     wrong usage, or: Pool is still running\n  125   mpx itself failed, the pool gave up, or its supervisor was killed",
		run: func(d *shm.Dir, name string, _ []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			p, err := server.DialPool(d, name)
			if errors.Is(err, shm.ErrNotExist) {
				return nil
			}
			if err == nil {
				err = p.Join(wait)
			}
			var l *server.LostError
			if errors.As(err, &l) && l.Planned {
				return nil
			}
			return poolError(name, err)
		},
	}
}

func poolRemove() objectVerb {
	return objectVerb{
		use: "rm NAME", short: "Remove a pool that has ended, with the results that wait",
		long:     "Remove a pool that has ended, with the results that wait, or one whose supervisor\nwas killed. One that runs is terminated first: mpx pool terminate.",
		examples: "  mpx pool rm thumbs\n  mpx pool terminate thumbs; mpx pool join thumbs; mpx pool rm thumbs",
		status:   statusDone + "  1     it runs\n" + poolNone,
		run:      func(d *shm.Dir, name string, _ []string) error { return removePool(d, name) },
	}
}

// removePool removes a pool that has ended, or whose supervisor was killed.
func removePool(d *shm.Dir, name string) error {
	record, err := d.OpenPool(name)
	if err != nil {
		return poolError(name, err)
	}
	defer record.Close()
	if err := record.Remove(); err == nil || errors.Is(err, shm.ErrRemoved) {
		return nil
	} else if !errors.Is(err, shm.ErrRunning) {
		return err
	}
	p, err := server.DialPool(d, name)
	if err != nil {
		return poolError(name, err)
	}
	defer p.Close()
	var e *server.PoolError
	if err = p.Remove(); errors.As(err, &e) && e.Kind == server.KindRunning {
		return &failedError{"it is running", fmt.Sprintf("mpx pool terminate %s; mpx pool join %[1]s; then again", name)}
	}
	return poolError(name, err)
}
