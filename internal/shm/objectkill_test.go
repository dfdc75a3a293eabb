package shm

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	helpers["add"] = helpAdd
	helpers["wait"] = helpWait
	helpers["toggle"] = helpToggle
	helpers["acquire"] = helpAcquire
}

// start starts helper name, and has its output as lines.
func start(t *testing.T, d *Dir, name string, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := objectHelper(t, d, name, args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// wantLine reads a line that must be want.
func wantLine(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if line, err := r.ReadString('\n'); strings.TrimSpace(line) != want {
		t.Errorf("it says %q, %v; want %s", line, err, want)
	}
}

// killed kills cmd and reaps it.
func killed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Errorf("the helper was not killed: %v", err)
	}
}

const addends = 50_000

// helpAdd adds 1 to each of two numbers.
func helpAdd(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	for _, name := range args[1:] {
		v, err := d.OpenValue(name)
		if err != nil {
			return err
		}
		one, err := v.Type().ParseDelta("1")
		for i := 0; i < addends && err == nil; i++ {
			_, err = v.Add(one)
		}
		if err := errors.Join(err, v.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Sums are exact, of floats, too.
func TestAddByProcesses(t *testing.T) {
	d := testDir(t)
	for name, typ := range map[string]Type{"i": I32, "f": F64} {
		v, err := d.MakeValue(name, typ, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			sum, err := v.Get()
			if got := typ.Text(sum); err != nil || got != strconv.Itoa(8*addends) {
				t.Errorf("%s: %s, %v; want %d", name, got, err, 8*addends)
			}
			v.Close()
		}()
	}
	var cmds []*exec.Cmd
	for range 8 {
		cmd, _ := start(t, d, "add", "i", "f")
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// eventOf opens the event that a helper's arguments name: a directory and a name.
func eventOf(args []string) (*Event, error) {
	d, err := OpenDir(args[0])
	if err != nil {
		return nil, err
	}
	return d.OpenEvent(args[1])
}

// helpWait waits for an event, and says when it begins and when it is woken.
func helpWait(args []string) error {
	e, err := eventOf(args)
	if err != nil {
		return err
	}
	defer e.Close()
	first, err := e.generation()
	if err != nil {
		return err
	}
	fmt.Println("waits")
	if err := e.waitSince(first, WaitFor(patience)); err != nil {
		return err
	}
	_, err = fmt.Println("woken")
	return err
}

// A set that is followed by a clear at once wakes all who had begun to wait, asleep
// or not.
func TestSetAndClearWakesAll(t *testing.T) {
	d := testDir(t)
	e, err := d.OpenEvent("e")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	cmds, outs := make([]*exec.Cmd, 10), make([]*bufio.Reader, 10)
	for i := range cmds {
		cmds[i], outs[i] = start(t, d, "wait", "e")
	}
	for _, out := range outs {
		wantLine(t, out, "waits")
	}
	if err := errors.Join(e.Set(), e.Clear()); err != nil {
		t.Error(err)
	}
	for i, cmd := range cmds {
		wantLine(t, outs[i], "woken")
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// helpToggle sets and clears an event until it is killed, or the test is long over.
func helpToggle(args []string) error {
	e, err := eventOf(args)
	if err != nil {
		return err
	}
	fmt.Println("runs")
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := errors.Join(e.Set(), e.Clear()); err != nil {
			return err
		}
	}
	return ErrTimeout
}

// A setter may be killed after it has changed the word and before it has woken
// anybody. All the same nobody sleeps past the next look once the event is set.
func TestKillSetter(t *testing.T) {
	d := testDir(t)
	again(t, func() (kills int) {
		for ; kills < 20 && !t.Failed(); kills++ {
			killSetter(t, d)
		}
		wantEmpty(t, d)
		return kills
	})
}

func killSetter(t *testing.T, d *Dir) {
	cmd, out := start(t, d, "toggle", "e")
	wantLine(t, out, "runs")
	stop := make(chan struct{})
	var waiters sync.WaitGroup
	var last [4]time.Time // when each waiter was woken last
	for i := range last {
		waiters.Go(func() { last[i] = waitUntil(t, d, stop) })
	}
	time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
	killed(t, cmd)
	close(stop)
	e, err := d.OpenEvent("e")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	set := time.Now()
	if err := e.Set(); err != nil {
		t.Error(err)
	}
	waiters.Wait()
	for i, at := range last {
		// A waiter is late by the time that the machine is busy, never by a wait
		// that is not bounded.
		if late := at.Sub(set); late > recheck+patience {
			t.Errorf("waiter %d was woken after %v", i, late)
		}
	}
	if err := e.Remove(); err != nil {
		t.Error(err)
	}
}

// waitUntil waits for the event again and again, until one wait ends after stop. It
// returns when that was.
func waitUntil(t *testing.T, d *Dir, stop <-chan struct{}) (woken time.Time) {
	e, err := d.OpenEvent("e")
	if err != nil {
		t.Error(err)
		return woken
	}
	defer e.Close()
	for {
		if err := e.Wait(WaitFor(recheck + patience)); err != nil {
			t.Error("a waiter: ", err)
			return time.Now()
		}
		select {
		case <-stop:
			return time.Now()
		default:
		}
	}
}

// What a process of the semaphore's test is doing, in the array "states".
const (
	stateIdle      = iota
	stateAcquires  // it may hold one, or not
	stateHolds     // it holds one
	stateReleases  // it may hold one, or not
	stateFinished  // it will not acquire again
	semaphoreValue = 5
)

// helpAcquire acquires and releases, and says in the array what it does, at its
// place. Once the event "stop" is set it stops.
func helpAcquire(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	place, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s, err := d.OpenSemaphore("s")
	if err != nil {
		return err
	}
	states, err := d.OpenArray("states")
	if err != nil {
		return err
	}
	stop, err := d.OpenEvent("stop")
	if err != nil {
		return err
	}
	for end := time.Now().Add(3 * patience); time.Now().Before(end); {
		if stopped, err := stop.IsSet(); err != nil || stopped {
			return errors.Join(err, states.Set(place, stateFinished))
		}
		if err := acquireOnce(s, func(state uint64) error { return states.Set(place, state) }); err != nil {
			return err
		}
	}
	return ErrTimeout
}

func acquireOnce(s *Semaphore, tell func(state uint64) error) error {
	if err := tell(stateAcquires); err != nil {
		return err
	}
	err := s.Acquire(WaitFor(recheck))
	if errors.Is(err, ErrTimeout) { // those who died may have taken all along
		return tell(stateIdle)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(tell(stateHolds), tell(stateReleases), s.Release()); err != nil {
		return err
	}
	return tell(stateIdle)
}

// Of 8 processes that acquire and release, some are killed. Each that held one has
// taken it along; all others are there in the end, and no more.
func TestKillSemaphore(t *testing.T) {
	again(t, func() (kills int) {
		for range 3 {
			kills += killAcquirers(t)
		}
		return kills
	})
}

func killAcquirers(t *testing.T) (kills int) {
	d := testDir(t)
	s, err := d.MakeSemaphore("s", semaphoreValue, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	states, err := d.MakeArray("states", U8, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer states.Close()
	stop, err := d.OpenEvent("stop")
	if err != nil {
		t.Fatal(err)
	}
	defer stop.Close()
	cmds := make([]*exec.Cmd, states.Len())
	for i := range cmds {
		cmds[i], _ = start(t, d, "acquire", strconv.Itoa(i))
	}
	taken := uint32(0)
	for i, cmd := range cmds[:6] {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		if killKnown(t, cmd, states, i, taken == semaphoreValue) == stateHolds {
			taken++
		}
		kills++
	}
	if err := stop.Set(); err != nil {
		t.Error(err)
	}
	for _, cmd := range cmds[6:] {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if v, err := s.Value(); err != nil || v+taken != semaphoreValue {
		t.Errorf("%d are there, %v, and %d went with the dead, of %d", v, err, taken, semaphoreValue)
	}
	wantEmpty(t, d, "s", "states", "stop")
	return kills
}

// killKnown kills cmd at a moment when its state says whether it holds one, and
// returns that. Once none is left, who acquires holds none, and has no other state
// for long.
func killKnown(t *testing.T, cmd *exec.Cmd, states *Array, place int, noneLeft bool) uint64 {
	t.Helper()
	for {
		if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		var ws unix.WaitStatus
		if _, err := unix.Wait4(cmd.Process.Pid, &ws, unix.WUNTRACED, nil); err != nil || !ws.Stopped() {
			t.Fatalf("helper %d did not stop: %v %x", place, err, ws)
		}
		state, err := states.Get(place, place+1)
		if err != nil {
			t.Fatal(err)
		}
		if state[0] == stateIdle || state[0] == stateHolds || noneLeft && state[0] == stateAcquires {
			killed(t, cmd)
			return state[0]
		}
		if err := cmd.Process.Signal(unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
}

// A wait is over after its time whatever becomes of the machine's clock: the
// deadline is one of the monotonic clock, which String shows.
func TestWaitIsMonotonic(t *testing.T) {
	if w := WaitFor(time.Minute); !strings.Contains(w.until.String(), " m=+") {
		t.Error("the deadline is of the wall clock: ", w.until)
	}
	d := testDir(t)
	e, err := d.OpenEvent("e")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, limit := range []time.Duration{-time.Second, 0, time.Millisecond, recheck + 50*time.Millisecond} {
		begin := time.Now()
		err := e.Wait(WaitFor(limit))
		if took := time.Since(begin); !errors.Is(err, ErrTimeout) || took < limit {
			t.Errorf("%v: over after %v, %v", limit, took, err)
		}
	}
}
