package ipc

// The kinds that are about the tokens of make's jobserver.
const (
	KindToken Kind = 9
	KindDrop  Kind = 10

	KindGot Kind = 74
)

// AppendToken appends a TOKEN.
func AppendToken(b []byte, number uint32) []byte { return appendNumber(b, KindToken, number) }

// AppendGot appends the GOT that answers the TOKEN of number.
func AppendGot(b []byte, number uint32) []byte { return appendNumber(b, KindGot, number) }

func appendNumber(b []byte, kind Kind, number uint32) []byte {
	b, mark := begin(b, kind)
	return end(le.AppendUint32(b, number), mark)
}

// ParseToken returns the number of a TOKEN or a GOT.
func ParseToken(body []byte) (number uint32, err error) {
	if len(body) != 4 {
		return 0, malformed("TOKEN or GOT")
	}
	return le.Uint32(body), nil
}
