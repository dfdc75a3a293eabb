package killpoint

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperVar makes the test binary the program that is killed; its argument says which.
const helperVar = "MPX_KILLPOINT_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVar) == "" {
		os.Exit(m.Run())
	}
	if err := map[string]func(string) error{"write": helpWrite, "store": helpStore, "keep": helpKeep, "outlive": helpOutlive, "start": helpStart, "sleep": helpSleep}[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const times = 5

// helpWrite writes to a file byte by byte.
func helpWrite(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	for range times {
		if err == nil {
			_, err = f.WriteString("x")
		}
	}
	return err
}

// helpStore counts in a file that it has mapped, in two words.
func helpStore(path string) error {
	b, err := mapped(path)
	for i := range times {
		if err == nil {
			b[0], b[8] = byte(i+1), byte(i+1)
		}
	}
	return err
}

func mapped(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// helpStart has another write, and waits for it.
func helpStart(path string) error {
	err := exec.Command(os.Args[0], "write", path).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == unix.SIGKILL {
		return os.WriteFile(path+".told", nil, 0o600)
	}
	return err
}

// helpKeep maps the file, and stores when it is told to; its parent has ended then.
func helpKeep(path string) error {
	b, err := mapped(path)
	if err != nil {
		return err
	}
	for b[0] = 1; b[16] == 0; {
		time.Sleep(time.Millisecond)
	}
	b[0] = 2
	return nil
}

// helpOutlive starts keep, and ends when that has begun.
func helpOutlive(path string) error {
	b, err := mapped(path)
	if err != nil {
		return err
	}
	if err := exec.Command(os.Args[0], "keep", path).Start(); err != nil {
		return err
	}
	for b[0] == 0 {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// helpSleep sleeps for ever.
func helpSleep(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	time.Sleep(time.Hour)
	return nil
}

func victim(t *testing.T, does string) (v *Victim, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v = &Victim{
		Path: exe, Args: []string{exe, does, path}, Env: append(os.Environ(), helperVar+"=1", "GORACE=atexit_sleep_ms=0"),
		Files: [3]*os.File{2: os.Stderr}, Patience: time.Minute,
	}
	return v, path
}

// each runs v at each of its points, and calls look after each, the last time when it has
// ended by itself.
func each(t *testing.T, v *Victim, prepare func(), look func(End)) {
	t.Helper()
	for n := 1; ; n++ {
		prepare()
		end, err := v.Run(n)
		if errors.Is(err, ErrRefused) {
			t.Skip(err)
		}
		if err != nil || end.Hung {
			t.Fatal(n, end, err)
		}
		if look(end); !end.Killed {
			return
		}
	}
}

// A program that writes is killed between any two writes.
func TestCalls(t *testing.T) {
	v, path := victim(t, "write")
	var lengths []int
	each(t, v, func() { os.Remove(path) }, func(end End) {
		b, _ := os.ReadFile(path)
		if lengths = append(lengths, len(b)); end.Killed != end.Status.Signaled() {
			t.Errorf("%+v", end)
		}
	})
	if !slices.Equal(slices.Compact(lengths), []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("it left files of %v bytes", lengths)
	}
}

// A program that stores is killed between any two stores.
func TestStores(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("on amd64 alone")
	}
	v, path := victim(t, "store")
	var seen, want []string
	for i := range times {
		want = append(want, fmt.Sprint(i, i), fmt.Sprint(i+1, i))
	}
	want = append(want, fmt.Sprint(times, times))
	each(t, v, func() {
		if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
	}, func(End) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprint(b[0], b[8]))
	})
	if got := slices.Compact(seen); !slices.Equal(got, want) {
		t.Errorf("it left %q, want %q", got, want)
	}
}

// A process that the program starts is killed, and the program learns of it.
func TestWhich(t *testing.T) {
	v, path := victim(t, "start")
	v.Which = func(words string) bool { return strings.Contains(words, " write ") }
	var lengths []int
	each(t, v, func() { os.Remove(path); os.Remove(path + ".told") }, func(end End) {
		if _, err := os.Stat(path + ".told"); (err == nil) != end.Killed || end.Status != 0 {
			t.Errorf("%+v, %v", end, err)
		}
		b, _ := os.ReadFile(path)
		lengths = append(lengths, len(b))
	})
	if !slices.Equal(slices.Compact(lengths), []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("it left files of %v bytes", lengths)
	}
}

// A program that waits for ever is killed then.
func TestWaits(t *testing.T) {
	v, path := victim(t, "sleep")
	v.Waits = func() bool { _, err := os.Stat(path); return err == nil }
	end, err := v.Run(0)
	if errors.Is(err, ErrRefused) {
		t.Skip(err)
	}
	if err != nil || !end.Waited || end.Status.Signal() != unix.SIGKILL || end.Points == 0 {
		t.Errorf("%+v, %v", end, err)
	}
}

// A process that the program leaves goes on as if it had never been traced.
func TestOutlives(t *testing.T) {
	v, path := victim(t, "outlive")
	v.Which = func(words string) bool { return strings.Contains(words, " keep ") }
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := v.Run(0)
	if errors.Is(err, ErrRefused) {
		t.Skip(err)
	}
	b, merr := mapped(path)
	if err != nil || merr != nil || end.Status != 0 || end.Points == 0 {
		t.Fatalf("%+v, %v, %v", end, err, merr)
	}
	defer unix.Munmap(b) //nolint:errcheck // of our own
	b[16] = 1
	for end := time.Now().Add(v.Patience); b[0] != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not go on")
		}
	}
}
