// Package shm is mapped memory that processes share. It is the only package
// that uses unsafe.
//
// Shared words are typed atomics over fixed offsets, loaded once and checked
// against their bounds: a peer can be killed between any two stores.
package shm

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Region is a private piece of shared memory: a sealed memfd, mapped. No
// peer can change its size, so touching it cannot fault. The kernel frees it
// when the last process that has it mapped or open is gone.
type Region struct {
	b []byte
}

// Create makes a region of size zero bytes. The file is for handing on to
// another process; the caller closes it.
func Create(name string, size int) (*Region, *os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("create shared memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("size shared memory: %w", err)
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("seal shared memory: %w", err)
	}
	r, err := Map(fd, size)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return r, f, nil
}

// Map maps the region of size bytes behind fd. A file of another size, or one
// that can shrink, is refused.
func Map(fd, size int) (*Region, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	if st.Size != int64(size) {
		return nil, fmt.Errorf("map shared memory: %d bytes, want %d", st.Size, size)
	}
	if seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || seals&unix.F_SEAL_SHRINK == 0 {
		return nil, fmt.Errorf("map shared memory: not sealed")
	}
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return &Region{b}, nil
}

// Close unmaps r. Nothing that r handed out may be used afterwards.
func (r *Region) Close() error {
	if r.b == nil {
		return nil
	}
	err := unix.Munmap(r.b)
	r.b = nil
	return err
}

// uint64At returns the atomic word at off, which must be a multiple of 8.
func (r *Region) uint64At(off int) *atomic.Uint64 {
	if off%8 != 0 || off+8 > len(r.b) {
		panic("bug: shared word out of place")
	}
	return (*atomic.Uint64)(unsafe.Pointer(&r.b[off]))
}

// uint32At returns the atomic word at off, which must be a multiple of 4.
func (r *Region) uint32At(off int) *atomic.Uint32 {
	if off%4 != 0 || off+4 > len(r.b) {
		panic("bug: shared word out of place")
	}
	return (*atomic.Uint32)(unsafe.Pointer(&r.b[off]))
}
