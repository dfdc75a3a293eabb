package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// waiter is the setup of a pool whose first task goes on until it is ended.
func waiter([]string) (*PoolSetup, error) {
	return &PoolSetup{
		Config:  pool.Config{Function: "exec", Args: task.Spec{Words: []string{"sh", "-c", "exec sleep 999"}}, Jobs: 1, ChunkSize: 1},
		Check:   func(int) *PoolError { return nil },
		Display: func(*task.Task, int) string { return "a task" },
	}, nil
}

// apart starts a pool whose supervisor is a process of its own: of waiter.
func apart(t *testing.T) (p *PoolClient, pid int) {
	t.Helper()
	dir, err := shm.OpenDir(filepath.Join(t.TempDir(), "objects"))
	if err != nil {
		t.Fatal(err)
	}
	if err := StartPool(&PoolSpec{Dir: dir, Name: "p", Parent: -1}); err != nil {
		t.Fatal(err)
	}
	p, err = DialPool(dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer p.Close()
		if err := p.Terminate(); err != nil {
			t.Error(err)
		}
		if err := p.Join(shm.Wait{}); err != nil {
			t.Error(err)
		}
		_ = p.Remove() // it may have left
	})
	st, err := p.Status()
	if err != nil {
		t.Fatal(err)
	}
	return p, st.Supervisor
}

// peak is the most memory that a process has had, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b, []byte("VmHWM:"))
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// However many tasks wait, and however large they are, their values take no memory.
func TestWaitingMemory(t *testing.T) {
	for _, c := range []struct{ tasks, size, most int }{
		{15_000, 16_000, 180 << 20},
		{6, 60 << 20, 240 << 20},
	} {
		p, pid := apart(t)
		for i := range c.tasks {
			if _, err := p.Submit([]string{strings.Repeat("x", min(i, 1)*c.size)}); err != nil {
				t.Fatalf("task %d: %v", i, err)
			}
		}
		if st, err := p.Status(); err != nil || st.Waiting < c.tasks-1 {
			t.Errorf("%+v, %v", st, err)
		}
		have := peak(t, pid)
		t.Logf("%d tasks of %d bytes: %d MB", c.tasks, c.size, have>>20)
		if have > c.most {
			t.Errorf("the supervisor has had %d MB, with %d tasks of %d bytes that wait", have>>20, c.tasks, c.size)
		}
	}
}

// Values that have been on disk come back as they were, in order.
func TestBacklogOrder(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	h := host(t, `echo "$1 ${#2} $3" >>`+list)
	p, err := DialPool(h.dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const n, size = 300, 100_000
	var want strings.Builder
	var last string
	for i := range n {
		if last, err = p.Submit([]string{strconv.Itoa(i), strings.Repeat("v", size+i), "end " + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&want, "%d %d end %d\n", i, size+i, i)
	}
	if err := p.Wait(last, shm.Wait{}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(list); err != nil || string(b) != want.String() {
		t.Errorf("%v: %.200q", err, b)
	}
}

// A disk that is full costs the task whose values do not fit, and nothing else.
func TestNoRoomForValues(t *testing.T) {
	h := host(t, `echo "${#1}"`)
	h.setup.Values.Spare = 1 << 62
	p, err := DialPool(h.dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	before, err := p.Submit([]string{"12345"})
	if err != nil {
		t.Fatal(err)
	}
	large := []string{strings.Repeat("x", 1<<20)}
	var refused *PoolError
	if _, err := p.Submit(large); !errors.As(err, &refused) || refused.Kind != KindFailed || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("submit: %v", err)
	}
	if _, err := p.Apply(large, io.Discard, io.Discard); !errors.As(err, &refused) || refused.Kind != KindFailed {
		t.Errorf("apply: %v", err)
	}
	var out bytes.Buffer
	if o, err := p.Get(before, shm.Wait{}, &out, io.Discard); err != nil || o.Status != "ok" || out.String() != "5\n" {
		t.Errorf("what was there before: %+v, %v", o, err)
	}
	if o, err := p.Apply([]string{"123"}, &out, io.Discard); err != nil || o.Status != "ok" || out.String() != "5\n3\n" {
		t.Errorf("what fits: %+v, %v", o, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tickets) != 0 || h.tasks != 0 {
		t.Errorf("%d tickets and %d tasks are left", len(h.tickets), h.tasks)
	}
}

// What the pool has not taken up when it ends has a result, too: its clients are told.
func TestBacklogEnd(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		halt pool.Halt
		end  func(h *hosted)
		want string
	}{
		{pool.Halt{}, func(h *hosted) { h.terminate() }, "cancelled"},
		{pool.Halt{On: pool.HaltFail, Count: 1}, func(*hosted) {
			if err := os.WriteFile(fifo, []byte("\n"), 0); err != nil {
				t.Error(err)
			}
		}, "skipped"},
	} {
		h := hostHalting(t, `read x <`+fifo+`; exit 1`, c.halt)
		p, err := DialPool(h.dir, "p")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		tickets := []string{""}
		for len(tickets) < 6 { // each but the first takes the window alone
			ticket, err := p.Submit([]string{strings.Repeat("x", min(1, len(tickets)-1)*(5<<20))})
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, ticket)
		}
		for st := h.status(); len(st.Workers) == 0 || st.Workers[0].Task == "" || h.backlog.len() != 3; st = h.status() {
			time.Sleep(time.Millisecond)
		}
		// A client that waits for what the pool has not taken up goes.
		c1 := h.client()
		h.send(c1, request{Do: doApply, Sizes: []int{1}}, "a")
		for h.backlog.len() != 4 {
			time.Sleep(time.Millisecond)
		}
		c1.Close()
		for h.backlog.len() != 3 {
			time.Sleep(time.Millisecond)
		}
		c.end(h)
		for _, ticket := range tickets[2:] {
			if o, err := p.Get(ticket, shm.Wait{}, io.Discard, io.Discard); err != nil || o.Status != c.want {
				t.Errorf("%+v, %v, not %s", o, err, c.want)
			}
		}
	}
}
