package ipc

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mpx/internal/shm"
)

// namedPipe returns the ends of a named pipe, opened apart, and its directory.
func namedPipe(t *testing.T) (d *shm.Dir, a, b *PipeEnd) {
	t.Helper()
	d, err := shm.OpenDir(filepath.Join(t.TempDir(), "mpx"))
	if err == nil {
		err = MakePipe(d, "p", false)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*PipeEnd
	for i := range ends {
		if ends[i], err = OpenPipeEnd(d, "p", i+1); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ends[i].Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return d, ends[0], ends[1]
}

// waitsAt are the ways to wait at an end.
var waitsAt = map[string]func(*PipeEnd) error{
	"recv": func(e *PipeEnd) error { _, err := e.Recv(shm.WaitFor(10 * time.Second)); return err },
	"poll": func(e *PipeEnd) error {
		there, err := e.Poll(shm.WaitFor(10 * time.Second))
		if err == nil && there {
			err = io.EOF
		}
		return err
	},
}

// Who closes an end, or removes the pipe, and is killed in the middle of it: who waits
// at the other end learns it nevertheless. So does who waits at the end that is closed.
func TestNamedPipeHalfDone(t *testing.T) {
	for does, wait := range waitsAt {
		for name, c := range map[string]struct {
			do   func(t *testing.T, d *shm.Dir, a, b *PipeEnd) error
			want error
		}{
			"closed, by one who was killed": {func(_ *testing.T, _ *shm.Dir, a, _ *PipeEnd) error {
				return a.t.Change(shm.Wait{}, func(c *shm.Change) error { c.Words[wordClosed1] = 1; return nil })
			}, io.EOF},
			"removed, by one who was killed": {func(_ *testing.T, d *shm.Dir, _, _ *PipeEnd) error {
				return os.Remove(filepath.Join(d.Path(), "p"))
			}, shm.ErrRemoved},
			"closed": {func(_ *testing.T, _ *shm.Dir, a, _ *PipeEnd) error { return a.SetClosed() }, io.EOF},
			"removed": {func(t *testing.T, d *shm.Dir, _, _ *PipeEnd) error {
				return d.Remove("p")
			}, shm.ErrRemoved},
			"closed itself": {func(_ *testing.T, _ *shm.Dir, _, b *PipeEnd) error { return b.SetClosed() }, ErrEndClosed},
		} {
			t.Run(does+", "+name, func(t *testing.T) {
				t.Parallel()
				d, a, b := namedPipe(t)
				waited := make(chan error, 1)
				go func() { waited <- wait(b) }()
				for parties := 0; parties == 0; time.Sleep(time.Millisecond) { // it waits
					list, err := b.in.Object().Parties()
					if err != nil {
						t.Fatal(err)
					}
					parties = len(list)
				}
				if err := c.do(t, d, a, b); err != nil {
					t.Error(err)
				}
				if err := <-waited; !errors.Is(err, c.want) {
					t.Errorf("%v; want %v", err, c.want)
				}
			})
		}
	}
}
