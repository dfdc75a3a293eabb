package shm

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// testProcess makes the record of a process whose keeper is this one.
func testProcess(t *testing.T, d *Dir, words ...string) *Process {
	t.Helper()
	p, err := d.MakeProcess("p", words)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if err := os.WriteFile(p.LogPath(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// testCommand starts a command, as that of p.
func testCommand(t *testing.T, p *Process) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "100")
	err := cmd.Start()
	if err == nil {
		err = p.Began(cmd.Process.Pid)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

func look(t *testing.T, p *Process) ProcessInfo {
	t.Helper()
	i, err := p.Look()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wantFiles checks which files are in d.
func wantFiles(t *testing.T, d *Dir, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(d.Path())
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v are in the directory, want %v", names, err, want)
	}
}

func TestProcess(t *testing.T) {
	d := testDir(t)
	words := []string{"sh", "-c", "", "a\nb", "\xff"}
	p := testProcess(t, d, words...)
	if got, err := p.Words(); err != nil || !slices.Equal(got, words) {
		t.Errorf("words %q, %v", got, err)
	}
	if i := look(t, p); i.State != ProcessStarting || !i.Alive || i.PID != 0 || i.Keeper != os.Getpid() {
		t.Errorf("as it is made: %+v", i)
	}
	if fd, err := p.OpenCommand(); fd >= 0 || err != nil {
		t.Errorf("a command that does not run is opened: %d, %v", fd, err)
	}
	cmd := testCommand(t, p)
	if i := look(t, p); i.State != ProcessRunning || !i.Alive || i.PID != cmd.Process.Pid || i.Text() != "running" {
		t.Errorf("while it runs: %+v", i)
	}
	if err := d.Remove("p"); !errors.Is(err, ErrRunning) {
		t.Errorf("removed while it runs: %v", err)
	}
	wantFiles(t, d, ".p.log", "p")
	if err := p.End(0x0300); err != nil {
		t.Fatal(err)
	}
	i := look(t, p)
	if code, ok := i.Exitcode(); i.State != ProcessEnded || i.Alive || code != 3 || !ok || i.Text() != "exited 3" || i.Until.Before(i.Since) {
		t.Errorf("when it has ended: %+v", i)
	}
	if err := d.Remove("p"); err != nil {
		t.Error(err)
	}
	wantFiles(t, d)
}

func TestProcessText(t *testing.T) {
	for ws, want := range map[syscall.WaitStatus]string{
		0: "exited 0", 0xff00: "exited 255", 15: "killed by SIGTERM", 11 | 0x80: "killed by SIGSEGV", 40: "killed by signal 40",
	} {
		i := ProcessInfo{State: ProcessEnded, Status: ws}
		code, ok := i.Exitcode()
		if got := i.Text(); got != want || !ok || (code < 0) != strings.HasPrefix(want, "killed") {
			t.Errorf("%x: %q, %d, want %q", uint32(ws), got, code, want)
		}
	}
}

// A keeper is known by when it started, too. Without one, a process is lost, and alive
// as long as its command is.
func TestProcessLost(t *testing.T) {
	d := testDir(t)
	p := testProcess(t, d, "sleep")
	cmd := testCommand(t, p)
	patch(t, d, "p", keeperStart, binary.NativeEndian.AppendUint64(nil, 1))
	if i := look(t, p); i.State != ProcessLost || !i.Alive {
		t.Errorf("with its command: %+v", i)
	}
	if fd, err := p.OpenKeeper(); fd >= 0 || err != nil {
		t.Errorf("another process is its keeper: %d, %v", fd, err)
	}
	if fd, err := p.OpenCommand(); fd < 0 || err != nil {
		t.Errorf("its command is not to be opened: %v", err)
	} else {
		unix.Close(fd)
	}
	if err := p.Remove(); !errors.Is(err, ErrRunning) {
		t.Errorf("removed with its command: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	i := look(t, p)
	if _, ok := i.Exitcode(); i.State != ProcessLost || i.Alive || ok || i.Text() != "lost" {
		t.Errorf("without its command: %+v", i)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
	wantFiles(t, d)
}

// The log goes with a record that is from before the machine started.
func TestStaleProcess(t *testing.T) {
	d := testDir(t)
	notOpen(t, testProcess(t, d, "true").Object)
	patch(t, d, "p", 24, []byte("another boot id!"))
	if _, err := d.OpenProcess("p"); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	wantFiles(t, d)
}

func TestDamagedProcess(t *testing.T) {
	d := testDir(t)
	p := testProcess(t, d, "true")
	patch(t, d, "p", processState, binary.NativeEndian.AppendUint32(nil, 9))
	if _, err := p.Look(); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown state: %v", err)
	}
	if err := os.Truncate(d.file("p"), 0); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"look":    func() error { _, err := p.Look(); return err },
		"words":   func() error { _, err := p.Words(); return err },
		"keeper":  func() error { _, err := p.OpenKeeper(); return err },
		"command": func() error { _, err := p.OpenCommand(); return err },
		"began":   func() error { return p.Began(os.Getpid()) },
		"end":     func() error { return p.End(0) },
	} {
		if err := f(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	notOpen(t, p.Object)
	if err := d.Remove("p"); err != nil {
		t.Error(err)
	}
	wantFiles(t, d)
}
