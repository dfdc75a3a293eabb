package shm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRegion(t *testing.T) {
	r, f, err := Create("mpx-test", 8192)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("not close-on-exec: %v", err)
	}
	other, err := Map(int(f.Fd()), 8192)
	if err != nil {
		t.Fatal(err)
	}
	r.uint64At(8184).Store(7)
	if got := other.uint64At(8184).Load(); got != 7 {
		t.Errorf("the other mapping shows %d", got)
	}
	for _, r := range []*Region{r, other, r} { // the second time does nothing
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Nobody who has the file can change its size, so that touching the memory
// cannot fault, nor lift the seals.
func TestSeals(t *testing.T) {
	r, f, err := Create("mpx-test", 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer r.Close()
	for _, size := range []int64{0, 4095, 4097, 1 << 20} {
		if err := unix.Ftruncate(int(f.Fd()), size); err != unix.EPERM {
			t.Errorf("truncate to %d: %v", size, err)
		}
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err != unix.EPERM {
		t.Errorf("add a seal: %v", err)
	}
	if _, err := unix.Pwrite(int(f.Fd()), []byte{1}, 4096); err != unix.EPERM {
		t.Errorf("write past the end: %v", err)
	}
	r.b[4095] = 1
}

func TestMapRefuses(t *testing.T) {
	r, sealed, err := Create("mpx-test", 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer sealed.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	unsealed := memfd(t, 0)
	growOnly := memfd(t, unix.F_SEAL_GROW)
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	for _, tt := range []struct {
		name     string
		fd, size int
	}{
		{"too large", int(sealed.Fd()), 8192},
		{"too small", int(sealed.Fd()), 4095},
		{"not sealed", unsealed, 4096},
		{"sealed otherwise", growOnly, 4096},
		{"regular file", int(file.Fd()), 4096},
		{"device", null, 0},
	} {
		if r, err := Map(tt.fd, tt.size); err == nil {
			t.Errorf("%s: mapped", tt.name)
			r.Close()
		}
	}
	if _, err := Map(-1, 4096); !errors.Is(err, unix.EBADF) {
		t.Errorf("closed descriptor: %v", err)
	}
	if b, err := OpenBoard(int(sealed.Fd())); err == nil {
		t.Error("a region of another size is a board")
		b.Close()
	}
}

// memfd returns shared memory of 4096 bytes with these seals.
func memfd(t *testing.T, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("mpx-test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Ftruncate(fd, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestWordOutOfPlace(t *testing.T) {
	r, f, err := Create("mpx-test", 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer r.Close()
	for _, off := range []int{1, 4, 4092, 4096} {
		mustPanic(t, func() { r.uint64At(off) })
	}
}
