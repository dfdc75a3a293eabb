package killpoint

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// mostShared is how much of a mapping is watched, in bytes.
const mostShared = 256 << 10

// memory is what a process shares with others: a kill that leaves it as it is makes no
// difference to them.
type memory struct {
	mem  *os.File
	at   []int64
	last [][]byte
	now  []byte
}

// shared returns the memory that process pid shares, as it is.
func shared(pid int) (*memory, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	m := &memory{now: make([]byte, mostShared)}
	if m.mem, err = os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(maps)) {
		var begin, end int64
		var perms string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &perms); n == 3 && strings.HasPrefix(perms, "rw") && perms[3] == 's' {
			m.at, m.last = append(m.at, begin), append(m.last, make([]byte, min(end-begin, mostShared)))
		}
	}
	m.changed()
	return m, nil
}

// changed reports whether it is another than at the last look.
func (m *memory) changed() (is bool) {
	for i, at := range m.at {
		now := m.now[:len(m.last[i])]
		n, _ := m.mem.ReadAt(now, at)
		if now = now[:n]; !bytes.Equal(now, m.last[i][:n]) {
			copy(m.last[i], now)
			is = true
		}
	}
	return is
}

// differs reports whether now is another state of the same memory.
func (m *memory) differs(now *memory) bool {
	if !slices.Equal(m.at, now.at) {
		return false
	}
	return !slices.EqualFunc(m.last, now.last, bytes.Equal)
}

func (m *memory) close() {
	if m != nil {
		m.mem.Close()
	}
}

// callInstructions are those that make a system call, on the processors that steps are
// watched on.
var callInstructions = map[string][]byte{"amd64": {0x0f, 0x05}, "arm64": {0x01, 0x00, 0x00, 0xd4}}

// atCall reports whether the thread's next instruction makes a system call.
func (m *memory) atCall(tid int, instruction []byte) bool {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) != nil {
		return false
	}
	var b [4]byte
	n, _ := m.mem.ReadAt(b[:len(instruction)], int64(regs.PC()))
	return bytes.Equal(b[:n], instruction)
}
