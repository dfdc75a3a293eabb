package ipc

// The words of a worker that is a filter.
const (
	KindReplies Kind = 76
	KindSaid    Kind = 77
	KindStarved Kind = 78
	KindQuit    Kind = 79
	KindWarm    Kind = 80
)

// A Replies is a REPLIES frame: Count tasks from Seq on, in the order in which
// they were sent, went well. Times are in nanoseconds.
type Replies struct {
	Seq            uint64
	Count          uint32
	Start, Elapsed int64 // of all together
	Data           []byte
}

const repliesHead = 28

// Append appends r as a frame. len(r.Data) must be at most MaxPiece.
func (r Replies) Append(b []byte) []byte {
	b, mark := begin(b, KindReplies)
	b = le.AppendUint32(le.AppendUint64(b, r.Seq), r.Count)
	b = le.AppendUint64(le.AppendUint64(b, uint64(r.Start)), uint64(r.Elapsed))
	return end(append(b, r.Data...), mark)
}

// ParseReplies is the inverse of Replies.Append; Data aliases body.
func ParseReplies(body []byte) (r Replies, err error) {
	if len(body) < repliesHead || len(body) > repliesHead+pieceLen {
		return r, malformed("REPLIES")
	}
	r.Seq, r.Count = le.Uint64(body), le.Uint32(body[8:])
	r.Start, r.Elapsed = int64(le.Uint64(body[12:])), int64(le.Uint64(body[20:]))
	r.Data = body[repliesHead:]
	if r.Count == 0 {
		return Replies{}, malformed("REPLIES")
	}
	return r, nil
}

// MaxSaid is the most text of a SAID, in bytes.
const MaxSaid = 16 << 10

// ParseSaid returns the text of a SAID.
func ParseSaid(body []byte) ([]byte, error) {
	if len(body) > MaxSaid {
		return nil, malformed("SAID")
	}
	return body, nil
}

// A Quit is a QUIT frame: the worker's filter is of no more use.
type Quit struct {
	Useless bool   // so would be every other copy of it
	Doubted bool   // what it has answered may be replies to other records
	Text    string // why
}

const (
	quitUseless = 1 << iota
	quitDoubted
)

// Append appends q as a frame, its text cut at 4,096 bytes.
func (q Quit) Append(b []byte) []byte {
	b, mark := begin(b, KindQuit)
	b = append(b, bit(q.Useless, quitUseless)|bit(q.Doubted, quitDoubted))
	return end(append(b, q.Text[:min(len(q.Text), maxText)]...), mark)
}

// ParseQuit is the inverse of Quit.Append.
func ParseQuit(body []byte) (q Quit, err error) {
	if len(body) < 1 || len(body) > 1+maxText || body[0]&^(quitUseless|quitDoubted) != 0 {
		return q, malformed("QUIT")
	}
	return Quit{body[0]&quitUseless != 0, body[0]&quitDoubted != 0, string(body[1:])}, nil
}
