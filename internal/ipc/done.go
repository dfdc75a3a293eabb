package ipc

// End is how a task's end came about.
type End uint8

// The values of DONE's end.
const (
	Ended    End = 0 // by itself
	TimedOut End = 1 // mpx ended it: over its time limit
	Stopped  End = 2 // mpx ended it: STOP
)

// A Done is a DONE frame. Times are in nanoseconds, MaxRSS in bytes.
type Done struct {
	Seq          uint64
	Attempt      uint32
	End          End
	Exit, Signal int32
	Timed        bool // Start and Elapsed are known
	Start        int64
	Elapsed      int64
	Used         bool // User, System and MaxRSS are known
	User, System int64
	MaxRSS       int64
	Note, Hint   string // what mpx has to say of it, and the remedy
	Stdout       []byte // the last bytes of its stdout
}

const (
	doneHead  = 22
	flagTimed = 1
	flagUsed  = 2
	flagNoted = 4
)

// MaxDoneStdout is the most Stdout a Done may have, in bytes.
const MaxDoneStdout = pieceLen

// Append appends d as a frame.
func (d *Done) Append(b []byte) []byte {
	noted := d.Note != "" || d.Hint != ""
	b, mark := begin(b, KindDone)
	b = le.AppendUint64(b, d.Seq)
	b = le.AppendUint32(b, d.Attempt)
	b = append(b, byte(d.End), bit(d.Timed, flagTimed)|bit(d.Used, flagUsed)|bit(noted, flagNoted))
	b = le.AppendUint32(b, uint32(d.Exit))
	b = le.AppendUint32(b, uint32(d.Signal))
	if d.Timed {
		b = le.AppendUint64(b, uint64(d.Start))
		b = le.AppendUint64(b, uint64(d.Elapsed))
	}
	if d.Used {
		b = le.AppendUint64(b, uint64(d.User))
		b = le.AppendUint64(b, uint64(d.System))
		b = le.AppendUint64(b, uint64(d.MaxRSS))
	}
	if noted {
		b = appendText(appendText(b, d.Note), d.Hint)
	}
	return end(append(b, d.Stdout...), mark)
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), maxText)]
	return append(le.AppendUint16(b, uint16(len(s))), s...)
}

// ParseDone is the inverse of Done.Append; Stdout aliases body.
func ParseDone(body []byte) (d Done, err error) {
	if len(body) < doneHead || body[12] > byte(Stopped) || body[13] > flagTimed|flagUsed|flagNoted {
		return d, malformed("DONE")
	}
	flags := body[13]
	d.Seq, d.Attempt, d.End = le.Uint64(body), le.Uint32(body[8:]), End(body[12])
	d.Exit, d.Signal = int32(le.Uint32(body[14:])), int32(le.Uint32(body[18:]))
	d.Timed, d.Used = flags&flagTimed != 0, flags&flagUsed != 0
	body = body[doneHead:]
	if len(body) < 16*int(bit(d.Timed, 1))+24*int(bit(d.Used, 1)) {
		return Done{}, malformed("DONE")
	}
	if d.Timed {
		d.Start, d.Elapsed = int64(le.Uint64(body)), int64(le.Uint64(body[8:]))
		body = body[16:]
	}
	if d.Used {
		d.User, d.System, d.MaxRSS = int64(le.Uint64(body)), int64(le.Uint64(body[8:])), int64(le.Uint64(body[16:]))
		body = body[24:]
	}
	if flags&flagNoted != 0 {
		var ok1, ok2 bool
		d.Note, body, ok1 = cutText(body)
		d.Hint, body, ok2 = cutText(body)
		if !ok1 || !ok2 || d.Note == "" && d.Hint == "" {
			return Done{}, malformed("DONE")
		}
	}
	if len(body) > MaxDoneStdout {
		return Done{}, malformed("DONE")
	}
	d.Stdout = body
	return d, nil
}

func cutText(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", nil, false
	}
	n := int(le.Uint16(b))
	if n > maxText || n > len(b)-2 {
		return "", nil, false
	}
	return string(b[2 : 2+n]), b[2+n:], true
}
