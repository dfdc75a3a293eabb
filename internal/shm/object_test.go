package shm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func testDir(t *testing.T) *Dir {
	t.Helper()
	d, err := OpenDir(filepath.Join(t.TempDir(), "objects"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEventGenerations(t *testing.T) {
	d := testDir(t)
	e, err := d.OpenEvent("go")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Wait(WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Errorf("an event not set: %v", err)
	}
	woken := make(chan error)
	other, err := d.OpenEvent("go")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() { woken <- other.Wait(Wait{}) }()
	for set := false; !set; { // until it waits: a set and a clear at once wake it
		_ = e.Set()
		_ = e.Clear()
		select {
		case err := <-woken:
			set = true
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Millisecond):
		}
	}
}

func TestTruncatedObject(t *testing.T) {
	d := testDir(t)
	v, err := d.MakeValue("n", I32, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := os.Truncate(d.file("n"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get(); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file made shorter: %v", err)
	}
	if _, err := d.OpenValue("n"); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened: %v", err)
	}
}
