package shm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open opens the object name. kind 0 is any kind. ErrNotExist: there is none;
// one from before the last start of the machine counts as that, and is removed, unless,
// *InUseError, somebody sees that otherwise.
func (d *Dir) Open(name string, kind Kind) (*Object, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	return untilSettled(d.patience(), func() (*Object, error) { return d.open(name, kind) })
}

func (d *Dir) open(name string, kind Kind) (*Object, error) {
	f, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	stale := false
	h, err := readHeader(f)
	if err == nil {
		stale, err = h.standing()
	}
	switch {
	case errors.Is(err, ErrNamespace):
		err = &NamespaceError{d.file(name)}
	case err != nil:
	case stale:
		err = claim(f, ofOtherBoot)
	case kind != 0 && h.kind != kind:
		err = &KindError{name, h.kind.String(), kind.String()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	o, err := d.mapped(f, name, h)
	if err != nil {
		return nil, err
	}
	if stale {
		defer o.Close()
		return nil, o.goStale()
	}
	if !o.lasts { // else who uses it takes care of that, see Table
		if err := o.use(); err != nil {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// goStale removes what is left from before the machine started, and is claimed.
func (o *Object) goStale() error {
	// Not Remove: what else it names is of an earlier run, too, and nothing now.
	if err := o.unlink(); err != nil && !errors.Is(err, ErrRemoved) {
		return fmt.Errorf("remove what is left from before the machine started: %w", err)
	}
	return ErrNotExist
}

func (d *Dir) openFile(name string) (*os.File, error) {
	// Not to wait for what a FIFO of that name waits for.
	fd, err := unix.Open(d.file(name), unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, ErrNotExist
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENXIO):
		return nil, ErrDamaged // a link, a directory, a socket
	case err != nil:
		return nil, fmt.Errorf("open its file: %w", err)
	}
	if err := unix.SetNonblock(fd, false); err != nil { // else the runtime makes ready to poll it
		unix.Close(fd)
		return nil, fmt.Errorf("open its file: %w", err)
	}
	return os.NewFile(uintptr(fd), d.file(name)), nil
}

// OpenOrMake opens the object name, or makes it.
func (d *Dir) OpenOrMake(name string, kind Kind, fill func(*Object)) (*Object, error) {
	for {
		o, err := d.Open(name, kind)
		if !errors.Is(err, ErrNotExist) {
			return o, err
		}
		if o, err = d.Make(name, kind, 0, fill); !errors.Is(err, ErrExists) {
			return o, err
		}
	}
}
