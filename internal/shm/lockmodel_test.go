package shm

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// A lock has one holder, or none; a name that was removed is a new lock's, and who
// holds the old one keeps it.
func TestLockModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		var holder *Lock // of the one that has the name now
		var others []*Lock
		exists := false
		defer func() {
			for _, l := range append(others, holder) {
				if l != nil {
					l.Close()
				}
			}
			_ = d.Remove("model") // ErrNotExist: it is removed
		}()
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(t *rapid.T) {
				l, err := d.AcquireLock("model", WaitFor(0))
				exists = true
				switch {
				case holder != nil && !errors.Is(err, ErrTimeout), holder == nil && err != nil:
					t.Fatal(holder != nil, err)
				case err == nil:
					holder = l
				}
			},
			"free": func(t *rapid.T) {
				if holder != nil {
					if err := holder.Close(); err != nil {
						t.Fatal(err)
					}
					holder = nil
				}
			},
			"remove": func(t *rapid.T) {
				if err := d.Remove("model"); exists != (err == nil) {
					t.Fatal(exists, err)
				}
				if holder != nil {
					others, holder = append(others, holder), nil
				}
				exists = false
			},
			"": func(t *rapid.T) {
				o, err := d.Open("model", KindLock)
				if exists != (err == nil) {
					t.Fatal(exists, err)
				}
				if err != nil {
					return
				}
				defer o.Close()
				if held, err := (&Lock{o}).Held(); err != nil || held != (holder != nil) {
					t.Fatal(held, err)
				}
			},
		})
	})
}

func init() { helpers["slot"] = helpSlot }

// helpSlot takes a slot of the sem "model", or says why not, and has it until its
// stdin ends. Its arguments are the directory, how many slots there are, and whether
// it resizes to that.
func helpSlot(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	slots, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s, err := d.AcquireSem("model", slots, args[2] == "true", WaitFor(0))
	switch {
	case errors.Is(err, ErrTimeout):
		fmt.Println("full")
		return nil
	case err != nil:
		return err
	}
	defer s.Close()
	fmt.Println("got")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// A slotOwner is a process that has a slot.
type slotOwner struct {
	cmd *exec.Cmd
	in  io.Closer
}

func (h *slotOwner) end(kill bool) {
	if kill {
		_ = h.cmd.Process.Kill()
	}
	h.in.Close()
	_ = h.cmd.Wait() // however it ends, the slot is free
}

// A sem has so many slots, each of a process, and gives them back when those end,
// killed or not. Resized to fewer than are held it owes some.
func TestSemModel(t *testing.T) {
	d := testDir(t)
	checks := flag.Lookup("rapid.checks")
	defer checks.Value.Set(checks.Value.String()) //nolint:errcheck // what it was
	_ = checks.Value.Set("5")                     // each step is a process
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.IntRange(1, 4).Draw(rt, "slots")
		var holders []*slotOwner
		exists := false
		defer func() {
			for _, h := range holders {
				h.end(true)
			}
			_ = d.Remove("model") // ErrNotExist: nobody has come
		}()
		acquire := func(rt *rapid.T, resize bool) {
			cmd := objectHelper(t, d, "slot", strconv.Itoa(slots), strconv.FormatBool(resize))
			in, ierr := cmd.StdinPipe()
			out, oerr := cmd.StdoutPipe()
			if err := errors.Join(ierr, oerr, cmd.Start()); err != nil {
				rt.Fatal(err)
			}
			h := &slotOwner{cmd, in}
			said, _ := bufio.NewReader(out).ReadString('\n')
			want := "got\n"
			if len(holders) >= slots {
				want = "full\n"
			}
			exists = true
			if said == "got\n" {
				holders = append(holders, h)
			} else {
				h.end(false)
			}
			if said != want {
				rt.Fatalf("%d of %d held: it said %q, want %q", len(holders), slots, said, want)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"acquire": func(rt *rapid.T) { acquire(rt, false) },
			"resize": func(rt *rapid.T) {
				slots = rapid.IntRange(1, 4).Draw(rt, "slots")
				acquire(rt, true)
			},
			"end": func(rt *rapid.T) {
				if len(holders) == 0 {
					rt.Skip("nobody has a slot")
				}
				i := rapid.IntRange(0, len(holders)-1).Draw(rt, "who")
				holders[i].end(rapid.Bool().Draw(rt, "killed"))
				holders = append(holders[:i], holders[i+1:]...)
			},
			"": func(rt *rapid.T) {
				if !exists {
					return
				}
				o, err := d.Open("model", KindSem)
				if err != nil {
					rt.Fatal(err)
				}
				defer o.Close()
				gotSlots, free, over, err := (&Sem{o}).Counts()
				if held := len(holders); err != nil || gotSlots != slots || free != max(slots-held, 0) || over != max(held-slots, 0) {
					rt.Fatalf("%d slots, %d free, %d too many, %v; want %d, %d held", gotSlots, free, over, err, slots, held)
				}
			},
		})
	})
}
