package ipc

import (
	"bytes"
	"fmt"
	"math"
)

// Version is the protocol's; it is part of HELLO.
const Version = 1

var magic = []byte("mpxw")

// Kind is a frame's kind.
type Kind uint8

// The kinds of PROTOCOL.md.
const (
	KindConfig  Kind = 1
	KindTask    Kind = 2
	KindRecall  Kind = 3
	KindStop    Kind = 4
	KindPause   Kind = 5
	KindResume  Kind = 6
	KindRetire  Kind = 7
	KindLimit   Kind = 8
	KindProceed Kind = 11

	KindHello    Kind = 64
	KindOut      Kind = 65
	KindDone     Kind = 66
	KindGaveBack Kind = 67
	KindNoStart  Kind = 68
	KindLeft     Kind = 69
	KindPaused   Kind = 70
	KindFault    Kind = 71
	KindBye      Kind = 72
	KindStart    Kind = 73
)

const (
	// pieceLen is the most data that one frame carries, in bytes; what is more
	// goes in pieces.
	pieceLen = 128 << 10
	// maxText is the most text that one frame carries, in bytes; what is more
	// is cut off.
	maxText = 4096
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// AppendConfig appends data as CONFIG frames.
func AppendConfig(b, data []byte) []byte {
	for {
		n := min(len(data), pieceLen)
		last := byte(0)
		if n == len(data) {
			last = 1
		}
		var mark int
		b, mark = begin(b, KindConfig)
		b = end(append(append(b, last), data[:n]...), mark)
		if last == 1 {
			return b
		}
		data = data[n:]
	}
}

// ParseConfig returns a CONFIG frame's piece and whether it is the last.
func ParseConfig(body []byte) (piece []byte, last bool, err error) {
	if len(body) < 1 || len(body) > 1+pieceLen || body[0] > 1 || body[0] == 0 && len(body) < 1+pieceLen {
		return nil, false, malformed("CONFIG")
	}
	return body[1:], body[0] == 1, nil
}

// A TaskPiece is a TASK frame.
type TaskPiece struct {
	Seq     uint64
	Attempt uint32
	Last    bool // the last piece of this task
	Stdin   bool // a standard input follows the values
	Span    bool // that is records, each a task
	Data    []byte
}

const taskHead = 13

// Append appends p as a frame. len(p.Data) must be at most MaxPiece.
func (p TaskPiece) Append(b []byte) []byte {
	b, mark := p.Begin(b)
	return Finish(append(b, p.Data...), mark)
}

// Begin appends p without its Data: the caller appends that, at most MaxPiece
// bytes, and then calls Finish with the same mark.
func (p TaskPiece) Begin(b []byte) (out []byte, mark int) {
	b, mark = begin(b, KindTask)
	b = le.AppendUint64(b, p.Seq)
	b = le.AppendUint32(b, p.Attempt)
	return append(b, bit(p.Last, 1)|bit(p.Stdin, 2)|bit(p.Span, 4)), mark
}

// Finish completes the frame that Begin began at mark.
func Finish(b []byte, mark int) []byte { return end(b, mark) }

// MaxPiece is the most Data a TaskPiece or an Out may have, in bytes.
const MaxPiece = pieceLen

// ParseTask is the inverse of TaskPiece.Append; Data aliases body.
func ParseTask(body []byte) (p TaskPiece, err error) {
	if len(body) < taskHead || len(body) > taskHead+pieceLen || body[12] > 7 {
		return p, malformed("TASK")
	}
	p.Seq, p.Attempt = le.Uint64(body), le.Uint32(body[8:])
	p.Last, p.Stdin, p.Span = body[12]&1 != 0, body[12]&2 != 0, body[12]&4 != 0
	p.Data = body[taskHead:]
	return p, nil
}

// AppendRecall appends a RECALL of up to count tasks.
func AppendRecall(b []byte, count int) []byte {
	b, mark := begin(b, KindRecall)
	return end(le.AppendUint32(b, uint32(min(count, math.MaxUint32))), mark)
}

// ParseRecall returns RECALL's count.
func ParseRecall(body []byte) (count uint32, err error) {
	if len(body) != 4 {
		return 0, malformed("RECALL")
	}
	return le.Uint32(body), nil
}

// AppendStop appends a STOP: signal at once, KILL after grace nanoseconds.
func AppendStop(b []byte, signal int, grace int64) []byte {
	b, mark := begin(b, KindStop)
	return end(le.AppendUint64(append(b, byte(signal)), uint64(grace)), mark)
}

// ParseStop is the inverse of AppendStop.
func ParseStop(body []byte) (signal int, grace int64, err error) {
	if len(body) != 9 {
		return 0, 0, malformed("STOP")
	}
	return int(body[0]), int64(le.Uint64(body[1:])), nil
}

// AppendLimit appends a LIMIT of limit nanoseconds.
func AppendLimit(b []byte, limit int64) []byte {
	b, mark := begin(b, KindLimit)
	return end(le.AppendUint64(b, uint64(limit)), mark)
}

// ParseLimit is the inverse of AppendLimit.
func ParseLimit(body []byte) (limit int64, err error) {
	if len(body) != 8 {
		return 0, malformed("LIMIT")
	}
	return int64(le.Uint64(body)), nil
}

// AppendStart appends a START: task seq began at start, ns since 1970.
func AppendStart(b []byte, seq uint64, start int64) []byte {
	b, mark := begin(b, KindStart)
	return end(le.AppendUint64(le.AppendUint64(b, seq), uint64(start)), mark)
}

// ParseStart is the inverse of AppendStart.
func ParseStart(body []byte) (seq uint64, start int64, err error) {
	if len(body) != 16 {
		return 0, 0, malformed("START")
	}
	return le.Uint64(body), int64(le.Uint64(body[8:])), nil
}

// AppendEmpty appends a frame without a body.
func AppendEmpty(b []byte, kind Kind) []byte { return AppendFrame(b, kind, nil) }

// ParseEmpty checks the body of a frame that has none.
func ParseEmpty(body []byte) error {
	if len(body) != 0 {
		return malformed("a body where there is none")
	}
	return nil
}

// MaxFault is the most text that a FAULT may have, in bytes.
const MaxFault = 4096

// AppendFault appends a FAULT with its text, cut at MaxFault.
func AppendFault(b []byte, text string) []byte {
	return AppendFrame(b, KindFault, []byte(text[:min(len(text), MaxFault)]))
}

// AppendHello appends the HELLO of the process pid.
func AppendHello(b []byte, pid int) []byte {
	b, mark := begin(b, KindHello)
	b = le.AppendUint32(append(b, magic...), Version)
	return end(le.AppendUint32(b, uint32(pid)), mark)
}

// ParseHello returns the worker's pid; another version is an error.
func ParseHello(body []byte) (pid int, err error) {
	if len(body) != 12 || !bytes.Equal(body[:4], magic) {
		return 0, malformed("HELLO")
	}
	if v := le.Uint32(body[4:]); v != Version {
		return 0, fmt.Errorf("worker speaks protocol version %d, this mpx speaks %d", v, Version)
	}
	return int(le.Uint32(body[8:])), nil
}

// An Out is an OUT frame.
type Out struct {
	Seq     uint64
	Attempt uint32
	Stream  uint8 // 1 stdout, 2 stderr
	Data    []byte
}

const outHead = 13

// Append appends o as a frame. len(o.Data) must be at most MaxPiece.
func (o Out) Append(b []byte) []byte {
	b, mark := begin(b, KindOut)
	b = le.AppendUint64(b, o.Seq)
	b = le.AppendUint32(b, o.Attempt)
	return end(append(append(b, o.Stream), o.Data...), mark)
}

// ParseOut is the inverse of Out.Append; Data aliases body.
func ParseOut(body []byte) (o Out, err error) {
	if len(body) < outHead || len(body) > outHead+pieceLen || body[12] < 1 || body[12] > 2 {
		return o, malformed("OUT")
	}
	return Out{le.Uint64(body), le.Uint32(body[8:]), body[12], body[outHead:]}, nil
}

// AppendSeqs appends a GAVEBACK of seqs.
func AppendSeqs(b []byte, seqs []uint64) []byte {
	for first := true; first || len(seqs) > 0; first = false {
		n := min(len(seqs), pieceLen/8)
		var mark int
		b, mark = begin(b, KindGaveBack)
		for _, s := range seqs[:n] {
			b = le.AppendUint64(b, s)
		}
		b, seqs = end(b, mark), seqs[n:]
	}
	return b
}

// ParseSeqs returns the seqs of a GAVEBACK.
func ParseSeqs(body []byte) ([]uint64, error) {
	if len(body)%8 != 0 || len(body) > pieceLen {
		return nil, malformed("GAVEBACK")
	}
	seqs := make([]uint64, len(body)/8)
	for i := range seqs {
		seqs[i] = le.Uint64(body[8*i:])
	}
	return seqs, nil
}

// AppendNoStart appends a NOSTART with its reason.
func AppendNoStart(b []byte, seq uint64, attempt uint32, reason string) []byte {
	b, mark := begin(b, KindNoStart)
	b = le.AppendUint32(le.AppendUint64(b, seq), attempt)
	return end(append(b, reason[:min(len(reason), maxText)]...), mark)
}

// ParseNoStart is the inverse of AppendNoStart.
func ParseNoStart(body []byte) (seq uint64, attempt uint32, reason string, err error) {
	if len(body) < 12 || len(body) > 12+maxText {
		return 0, 0, "", malformed("NOSTART")
	}
	return le.Uint64(body), le.Uint32(body[8:]), string(body[12:]), nil
}

// AppendLeft appends a LEFT of pids, at most as many as fit in a piece.
func AppendLeft(b []byte, pids []int) []byte {
	b, mark := begin(b, KindLeft)
	for _, p := range pids[:min(len(pids), pieceLen/4)] {
		b = le.AppendUint32(b, uint32(p))
	}
	return end(b, mark)
}

// ParseLeft returns the pids of a LEFT.
func ParseLeft(body []byte) ([]int, error) {
	if len(body)%4 != 0 || len(body) > pieceLen {
		return nil, malformed("LEFT")
	}
	pids := make([]int, len(body)/4)
	for i := range pids {
		pids[i] = int(le.Uint32(body[4*i:]))
	}
	return pids, nil
}

func bit(on bool, b byte) byte {
	if on {
		return b
	}
	return 0
}

// Fill appends o as a frame whose data, up to size and MaxPiece bytes, read
// puts straight into the frame's place in b's capacity. Where read has none, or
// there is no room, nothing is appended.
func (o Out) Fill(b []byte, size int, read func([]byte) int) []byte {
	size = min(size, pieceLen, cap(b)-len(b)-headerLen-1-outHead)
	if size <= 0 {
		return b
	}
	mark := len(b)
	o.Data = nil
	b = o.Append(b)
	n := read(b[len(b) : len(b)+size])
	if n <= 0 {
		return b[:mark]
	}
	return end(b[:len(b)+n], mark)
}
