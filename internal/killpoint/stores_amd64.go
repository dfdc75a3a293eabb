package killpoint

import (
	"bytes"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A mapping is shared memory of the victim, which it may not write: so each store is a
// fault, upon which it is killed, or may do that one.
type mapping struct{ at, size uint64 }

// mapped looks at a call that a thread is about to make. Memory that it shares it gets
// to read alone.
func (t *tracer) mapped(tid int) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) != nil {
		return
	}
	t.callAt = r.Rip - 2
	switch r.Orig_rax {
	case unix.SYS_MMAP:
		if r.R10&unix.MAP_SHARED != 0 && r.Rdx&unix.PROT_WRITE != 0 {
			r.Rdx &^= unix.PROT_WRITE
			if syscall.PtraceSetRegs(tid, &r) == nil {
				t.maps[tid] = r.Rsi
			}
		}
	case unix.SYS_MUNMAP:
		for i, m := range t.shared {
			if m.at == r.Rdi {
				t.shared = append(t.shared[:i:i], t.shared[i+1:]...)
				break
			}
		}
	}
}

// hasMapped looks at the end of a call.
func (t *tracer) hasMapped(tid int) {
	size, did := t.maps[tid]
	delete(t.maps, tid)
	var r syscall.PtraceRegs
	if did && syscall.PtraceGetRegs(tid, &r) == nil && int64(r.Rax) > 0 {
		t.shared = append(t.shared, mapping{r.Rax, size})
	}
}

// store lets a thread that has a fault do the one store that it is about to do, and
// reports whether that is what the fault was about, and whether anything is another now.
func (t *tracer) store(tid int) (did, changed bool) {
	var before, after syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &before) != nil {
		return false, false
	}
	t.protect(tid, before, unix.PROT_READ|unix.PROT_WRITE)
	was := t.contents(tid)
	if syscall.PtraceSetRegs(tid, &before) != nil {
		return false, false
	}
	did = t.step(tid)
	changed = !bytes.Equal(was, t.contents(tid))
	if syscall.PtraceGetRegs(tid, &after) == nil {
		t.protect(tid, after, unix.PROT_READ)
		_ = syscall.PtraceSetRegs(tid, &after)
	}
	return did, changed
}

// unprotect has the victim write by itself again.
func (t *tracer) unprotect(tid int) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) == nil {
		t.protect(tid, r, unix.PROT_READ|unix.PROT_WRITE)
		_ = syscall.PtraceSetRegs(tid, &r)
	}
}

// mostLooked is how much of a mapping is looked at, in bytes.
const mostLooked = 256 << 10

// contents returns what the victim shares.
func (t *tracer) contents(tid int) (all []byte) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return nil
	}
	defer mem.Close()
	for _, m := range t.shared {
		b := make([]byte, min(m.size, mostLooked))
		n, _ := mem.ReadAt(b, int64(m.at))
		all = append(all, b[:n]...)
	}
	return all
}

// protect has a thread, which is at regs, give all that is shared a protection.
func (t *tracer) protect(tid int, regs syscall.PtraceRegs, protection uint64) {
	for _, m := range t.shared {
		r := regs
		r.Rip, r.Rax, r.Orig_rax = t.callAt, unix.SYS_MPROTECT, ^uint64(0)
		r.Rdi, r.Rsi, r.Rdx = m.at, m.size, protection
		if syscall.PtraceSetRegs(tid, &r) == nil {
			t.step(tid)
		}
	}
}

// step has a thread execute one instruction, and reports whether it could.
func (t *tracer) step(tid int) bool {
	if syscall.PtraceSingleStep(tid) != nil {
		return false
	}
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(tid, &ws, syscall.WALL, nil)
		if err != syscall.EINTR {
			return err == nil && ws.Stopped() && ws.StopSignal() == syscall.SIGTRAP
		}
	}
}
