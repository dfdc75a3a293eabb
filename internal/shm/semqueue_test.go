package shm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { helpers["contender"] = helpContender }

// helpContender wants a slot of the sem "s", says what comes of it, and has it until its
// stdin ends. Its arguments are the directory, how many slots there are (0: as many as
// there are), "resize" or not, how it waits, and at which step it is to be killed; 0: at
// none. It waits "now", not at all; "wait"; "woken", and does not look of itself while it is
// the head; or "few", and may have so few descriptors that it can do nothing but look.
func helpContender(args []string) error {
	d, err := OpenDir(args[0])
	slots, nerr := strconv.Atoi(args[1])
	steps, serr := strconv.Atoi(args[4])
	if err := errors.Join(err, nerr, serr); err != nil {
		return err
	}
	step = func() {
		if steps--; steps == 0 {
			_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
		}
	}
	var w Wait
	switch args[3] {
	case "now":
		w = WaitFor(0)
	case "woken":
		headPause = time.Hour
	case "few":
		if err := fewDescriptors(); err != nil {
			return err
		}
	}
	_, err = d.AcquireSem("s", slots, args[2] == "resize", w)
	switch {
	case errors.Is(err, ErrTimeout):
		fmt.Println("full")
	case err != nil:
		return err
	default:
		fmt.Println("got")
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// fewDescriptors lets this process open a file, and one besides.
func fewDescriptors() error {
	fd, err := unix.Dup(0)
	unix.Close(fd)
	return errors.Join(err, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(fd + 2), Max: uint64(fd + 2)}))
}

// A contender is a process that wants a slot of the sem "s" of d.
type contender struct {
	t    *testing.T
	d    *Dir
	cmd  *exec.Cmd
	in   io.Closer
	said chan string // "" when it has ended
	over bool
}

func contend(t *testing.T, d *Dir, slots int, resize, wait string, kill int) *contender {
	t.Helper()
	cmd := objectHelper(t, d, "contender", strconv.Itoa(slots), resize, wait, strconv.Itoa(kill))
	in, ierr := cmd.StdinPipe()
	out, oerr := cmd.StdoutPipe()
	noErrors(t, ierr, oerr, cmd.Start())
	c := &contender{t: t, d: d, cmd: cmd, in: in, said: make(chan string, 2)}
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		c.said <- strings.TrimSpace(line)
	}()
	t.Cleanup(c.end)
	return c
}

// end ends it, however it is.
func (c *contender) end() {
	if !c.over {
		c.over = true
		_ = c.cmd.Process.Kill()
		c.in.Close()
		_ = c.cmd.Wait() // it was killed
	}
}

// want waits until it says what.
func (c *contender) want(what string) {
	c.t.Helper()
	select {
	case said := <-c.said:
		if said != what {
			c.t.Fatalf("it said %q, want %q", said, what)
		}
	case <-time.After(patience):
		c.t.Fatalf("it says nothing, want %q", what)
	}
}

// waits waits until it is listed as waiting, or has ended, and reports whether it waits.
func (c *contender) waits() (waits bool) {
	c.t.Helper()
	eventually(c.t, "it waits, or has ended", func() bool {
		waits = slices.ContainsFunc(partiesOf(c.t, c.d, "s"), func(p Party) bool { return p.Role == Waits && p.PID == c.cmd.Process.Pid })
		return waits || c.state() == "Z"
	})
	return waits
}

// state returns the letter that /proc has for what it does.
func (c *contender) state() string {
	f, err := statOf(c.cmd.Process.Pid)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(f[0])
}

// keeper returns one that has a slot.
func keeper(t *testing.T, d *Dir, slots int) *contender {
	t.Helper()
	c := contend(t, d, slots, "", "now", 0)
	c.want("got")
	return c
}

// follower returns one that waits, to be woken.
func follower(t *testing.T, d *Dir) *contender {
	t.Helper()
	return waiterOf(t, d, "woken")
}

// waiterOf returns one that waits in that way.
func waiterOf(t *testing.T, d *Dir, way string) *contender {
	t.Helper()
	c := contend(t, d, 0, "", way, 0)
	if !c.waits() {
		t.Fatal("it does not wait")
	}
	return c
}

// wantNow checks what a newcomer says who does not wait.
func wantNow(t *testing.T, d *Dir, what string) {
	t.Helper()
	c := contend(t, d, 0, "", "now", 0)
	c.want(what)
	c.end()
}

// wantFree checks the counts of the sem, and removes it.
func wantFree(t *testing.T, d *Dir, slots int) {
	t.Helper()
	o, err := d.Open("s", KindSem)
	noError(t, err)
	defer o.Close()
	wantCounts(t, &Sem{o}, slots, slots, 0)
	if list := partiesOf(t, d, "s"); len(list) > 0 {
		t.Errorf("left: %v", list)
	}
	noError(t, o.Remove())
}

// Who waits gets a slot in turn, and no newcomer before.
func TestSemOrder(t *testing.T) {
	d := testDir(t)
	has := keeper(t, d, 1)
	var queue []*contender
	for range 5 {
		queue = append(queue, follower(t, d))
	}
	for _, next := range queue {
		wantNow(t, d, "full")
		has.end()
		next.want("got") // as the others do not, which have it after that
		has = next
	}
	has.end()
	wantFree(t, d, 1)
}

// The death of one that waits, at the head or behind, is nobody's loss.
func TestSemWaiterDies(t *testing.T) {
	d := testDir(t)
	has := keeper(t, d, 1)
	var queue []*contender
	for range 6 {
		queue = append(queue, follower(t, d))
	}
	for _, i := range []int{0, 2, 3} {
		queue[i].end()
	}
	for _, i := range []int{1, 4, 5} {
		has.end()
		queue[i].want("got")
		has = queue[i]
	}
	has.end()
	wantFree(t, d, 1)
}

// A slot for which a stopped process waits is its own; what is free besides is for those
// behind it, and for newcomers.
func TestSemStopped(t *testing.T) {
	d := testDir(t)
	var holders []*contender
	for range 3 {
		holders = append(holders, keeper(t, d, 3))
	}
	stopped, behind := follower(t, d), follower(t, d)
	noError(t, stopped.cmd.Process.Signal(unix.SIGSTOP))
	eventually(t, "it is stopped", func() bool { return stopped.state() == "T" })
	holders[0].end()
	wantNow(t, d, "full")
	holders[1].end()
	behind.want("got")
	wantNow(t, d, "full")
	holders[2].end()
	wantNow(t, d, "got")
	noError(t, stopped.cmd.Process.Signal(unix.SIGCONT))
	stopped.want("got")
	stopped.end()
	behind.end()
	wantFree(t, d, 3)
}

// More slots are there for who waits, and its name's loss is heard, while no holder ends.
func TestSemBell(t *testing.T) {
	d := testDir(t)
	has := keeper(t, d, 1)
	first, second := follower(t, d), follower(t, d)
	contend(t, d, 2, "resize", "now", 0).want("full")
	first.want("got")
	noError(t, d.Remove("s"))
	second.want("got") // of the next one
	for _, c := range []*contender{has, first, second} {
		c.end()
	}
	wantFree(t, d, 1)
}

// One that cannot watch the holders, or hear the bell, looks.
func TestSemFewDescriptors(t *testing.T) {
	d := testDir(t)
	holders := []*contender{keeper(t, d, 2), keeper(t, d, 2)}
	for i := range holders { // whichever of them it could watch
		next := waiterOf(t, d, "few")
		holders[i].end()
		next.want("got")
		holders[i] = next
	}
	more := waiterOf(t, d, "few")
	contend(t, d, 3, "resize", "now", 0).want("full")
	more.want("got")
	for _, c := range append(holders, more) {
		c.end()
	}
	wantFree(t, d, 3)
}
