package ipc

// KindWorn says that the worker is over its limit of memory.
const KindWorn Kind = 75

// AppendWorn appends a WORN: the worker's processes have resident bytes of
// memory.
func AppendWorn(b []byte, resident int64) []byte {
	b, mark := begin(b, KindWorn)
	return end(le.AppendUint64(b, uint64(resident)), mark)
}

// ParseWorn is the inverse of AppendWorn.
func ParseWorn(body []byte) (resident int64, err error) {
	if len(body) != 8 {
		return 0, malformed("WORN")
	}
	return int64(le.Uint64(body)), nil
}
