package ipc

import (
	"bytes"
	"fmt"
	"math"

	"pgregory.net/rapid"
)

// A codec is one kind of frame, as its sender and its reader see it.
type codec struct {
	draw   func(*rapid.T) any
	encode func([]byte, any) []byte
	parse  func(body []byte) (any, error)
}

func codecOf[T any](draw func(*rapid.T) T, encode func([]byte, T) []byte, parse func([]byte) (T, error)) codec {
	return codec{
		draw:   func(t *rapid.T) any { return draw(t) },
		encode: func(b []byte, v any) []byte { return encode(b, v.(T)) },
		parse:  func(body []byte) (any, error) { return parse(body) },
	}
}

// Values of the kinds that have no type of their own.
type (
	configPiece struct {
		Piece []byte
		Last  bool
	}
	stop struct {
		Signal int
		Grace  int64
	}
	noStart struct {
		Seq     uint64
		Attempt uint32
		Reason  string
	}
	start struct {
		Seq   uint64
		Start int64
	}
)

// codecs has every kind of PROTOCOL.md.
var codecs = map[Kind]codec{
	KindConfig: codecOf(drawConfig, encodeConfig, func(b []byte) (c configPiece, err error) {
		c.Piece, c.Last, err = ParseConfig(b)
		return c, err
	}),
	KindTask: codecOf(func(t *rapid.T) TaskPiece {
		return TaskPiece{
			Seq: u64(t, "seq"), Attempt: u32(t, "attempt"),
			Last: flag(t, "last"), Stdin: flag(t, "stdin"), Span: flag(t, "span"), Data: data(t, "data", MaxPiece),
		}
	}, func(b []byte, p TaskPiece) []byte { return p.Append(b) }, ParseTask),
	KindRecall: codecOf(func(t *rapid.T) uint32 { return u32(t, "count") },
		func(b []byte, n uint32) []byte { return AppendRecall(b, int(n)) }, ParseRecall),
	KindStop: codecOf(func(t *rapid.T) stop {
		return stop{rapid.IntRange(0, 255).Draw(t, "signal"), rapid.Int64().Draw(t, "grace")}
	}, func(b []byte, s stop) []byte { return AppendStop(b, s.Signal, s.Grace) },
		func(b []byte) (s stop, err error) {
			s.Signal, s.Grace, err = ParseStop(b)
			return s, err
		}),
	KindPause:   empty(KindPause),
	KindResume:  empty(KindResume),
	KindRetire:  empty(KindRetire),
	KindLimit:   codecOf(func(t *rapid.T) int64 { return rapid.Int64().Draw(t, "limit") }, AppendLimit, ParseLimit),
	KindProceed: empty(KindProceed),
	KindToken:   codecOf(func(t *rapid.T) uint32 { return u32(t, "number") }, AppendToken, ParseToken),
	KindDrop:    empty(KindDrop),

	KindHello: codecOf(func(t *rapid.T) int { return int(u32(t, "pid")) }, AppendHello, ParseHello),
	KindOut: codecOf(func(t *rapid.T) Out {
		return Out{u64(t, "seq"), u32(t, "attempt"), rapid.Uint8Range(1, 2).Draw(t, "stream"), data(t, "data", MaxPiece)}
	}, func(b []byte, o Out) []byte { return o.Append(b) }, ParseOut),
	KindDone: codecOf(drawDone, func(b []byte, d Done) []byte { return d.Append(b) }, ParseDone),
	KindGaveBack: codecOf(func(t *rapid.T) []uint64 {
		return rapid.SliceOfN(rapid.Uint64(), 0, 40).Draw(t, "seqs")
	}, AppendSeqs, ParseSeqs),
	KindNoStart: codecOf(func(t *rapid.T) noStart {
		return noStart{u64(t, "seq"), u32(t, "attempt"), string(data(t, "reason", maxText))}
	}, func(b []byte, n noStart) []byte { return AppendNoStart(b, n.Seq, n.Attempt, n.Reason) },
		func(b []byte) (n noStart, err error) {
			n.Seq, n.Attempt, n.Reason, err = ParseNoStart(b)
			return n, err
		}),
	KindLeft: codecOf(func(t *rapid.T) []int {
		return rapid.SliceOfN(rapid.IntRange(0, math.MaxUint32), 0, 40).Draw(t, "pids")
	}, AppendLeft, ParseLeft),
	KindPaused: empty(KindPaused),
	KindFault: codecOf(func(t *rapid.T) string { return string(data(t, "text", maxText)) },
		func(b []byte, s string) []byte { return AppendFrame(b, KindFault, []byte(s)) },
		func(b []byte) (string, error) { return string(b), nil }),
	KindBye: empty(KindBye),
	KindStart: codecOf(func(t *rapid.T) start {
		return start{rapid.Uint64().Draw(t, "seq"), rapid.Int64().Draw(t, "start")}
	}, func(b []byte, s start) []byte { return AppendStart(b, s.Seq, s.Start) }, func(b []byte) (s start, err error) {
		s.Seq, s.Start, err = ParseStart(b)
		return s, err
	}),
	KindReplies: codecOf(drawReplies, func(b []byte, r Replies) []byte { return r.Append(b) }, ParseReplies),
	KindSaid: codecOf(func(t *rapid.T) []byte { return data(t, "text", MaxSaid) },
		func(b []byte, p []byte) []byte { return AppendFrame(b, KindSaid, p) }, ParseSaid),
	KindStarved: empty(KindStarved),
	KindWarm:    empty(KindWarm),
	KindQuit: codecOf(func(t *rapid.T) Quit {
		return Quit{Useless: flag(t, "useless"), Doubted: flag(t, "doubted"), Text: string(data(t, "text", maxText))}
	}, func(b []byte, q Quit) []byte { return q.Append(b) }, ParseQuit),
	KindGot:  codecOf(func(t *rapid.T) uint32 { return u32(t, "number") }, AppendGot, ParseToken),
	KindWorn: codecOf(func(t *rapid.T) int64 { return rapid.Int64().Draw(t, "resident") }, AppendWorn, ParseWorn),
}

// empty is a kind without a body.
func empty(kind Kind) codec {
	return codecOf(func(*rapid.T) struct{} { return struct{}{} },
		func(b []byte, _ struct{}) []byte { return AppendEmpty(b, kind) },
		func(b []byte) (v struct{}, err error) {
			if len(b) > 0 {
				err = malformed(fmt.Sprint("kind ", kind))
			}
			return v, err
		})
}

// frame encodes v.
func frame(kind Kind, v any) []byte { return codecs[kind].encode(nil, v) }

// body is what a frame carries.
func body(frame []byte) []byte { return frame[headerLen+1:] }

func drawConfig(t *rapid.T) configPiece {
	if flag(t, "last") {
		return configPiece{data(t, "piece", pieceLen), true}
	}
	return configPiece{bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, pieceLen), false}
}

func encodeConfig(b []byte, c configPiece) []byte {
	if c.Last {
		return AppendConfig(b, c.Piece)
	}
	two := AppendConfig(nil, append(bytes.Clone(c.Piece), 0))
	return append(b, two[:headerLen+1+1+pieceLen]...)
}

func drawDone(t *rapid.T) Done {
	d := Done{
		Seq: u64(t, "seq"), Attempt: u32(t, "attempt"),
		End:  rapid.SampledFrom([]End{Ended, TimedOut, Stopped}).Draw(t, "end"),
		Exit: rapid.Int32().Draw(t, "exit"), Signal: rapid.Int32().Draw(t, "signal"),
		Note: string(data(t, "note", maxText)), Hint: string(data(t, "hint", maxText)),
		Stdout: data(t, "stdout", MaxDoneStdout),
		Timed:  flag(t, "timed"), Used: flag(t, "used"),
	}
	i64 := rapid.Int64()
	if d.Timed {
		d.Start, d.Elapsed = i64.Draw(t, "start"), i64.Draw(t, "elapsed")
	}
	if d.Used {
		d.User, d.System, d.MaxRSS = i64.Draw(t, "user"), i64.Draw(t, "system"), i64.Draw(t, "maxrss")
	}
	return d
}

func u64(t *rapid.T, name string) uint64 { return rapid.Uint64().Draw(t, name) }
func u32(t *rapid.T, name string) uint32 { return rapid.Uint32().Draw(t, name) }
func flag(t *rapid.T, name string) bool  { return rapid.Bool().Draw(t, name) }

// data draws up to most bytes: mostly few, sometimes almost all or all.
func data(t *rapid.T, name string, most int) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, name)
	if rapid.IntRange(0, 9).Draw(t, name+" large") == 9 {
		n := rapid.IntRange(most-2, most).Draw(t, name+" length")
		b = bytes.Repeat(append(b, 'x'), n/(len(b)+1)+1)[:n]
	}
	return b
}
