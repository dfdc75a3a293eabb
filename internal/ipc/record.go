package ipc

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
)

// A record of a queue's log is
//
//	 0  its item's length, and longItem if that is a file of its own (u64)
//	 8  the item's number (u64)
//	16  sum of a long item: CRC-32C of its file (u32)
//	20  sum: CRC-32C of when the queue was made, the record's place (u64 each), and the
//	    rest of the record (u32)
//	24  the item, unless it is long
//
// As the place is in the sum, a record is one only where it was written: an item that is
// a copy of records does not look like them, nor does what another queue has left.
type record struct {
	length  uint64 // with longItem
	number  uint64
	fileSum uint32
	data    []byte // of a short one
}

const (
	recordHead = 24
	recordSum  = 20 // where its sum is
	// maxShort is the longest item that stands in the log, in bytes.
	maxShort = 64 << 10
)

// castagnoli is made when it is first needed: each worker is this program.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// sumOf returns the sum of parts that stand at place in a log of a queue that was made
// then.
func sumOf(made, place uint64, parts ...[]byte) uint32 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], made)
	binary.LittleEndian.PutUint64(head[8:], place)
	sum := crc32.Update(0, castagnoli(), head[:])
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli(), p)
	}
	return sum
}

// appendRecord appends the record of an item to b, to stand at place.
func (l *logs) appendRecord(b []byte, place, number uint64, i *Item) []byte {
	at := len(b)
	length := uint64(len(i.b))
	if i.f != nil {
		length = uint64(i.size) | longItem
	}
	b = binary.LittleEndian.AppendUint64(b, length)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint32(b, i.sum)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = append(b, i.b...)
	r := b[at:]
	binary.LittleEndian.PutUint32(r[recordSum:], sumOf(l.made, place, r[:recordSum], r[recordHead:]))
	return b
}

// recordSize returns how many bytes the record has that b begins with; 0: it begins with
// none.
func recordSize(b []byte) int {
	if len(b) < recordHead {
		return 0
	}
	length := binary.LittleEndian.Uint64(b)
	switch {
	case length&longItem != 0:
		return recordHead
	case length <= maxShort:
		return recordHead + int(length)
	}
	return 0
}

// parseRecord returns the record that b begins with, which stands at place, and its size;
// 0: there is none. Its data aliases b.
func (l *logs) parseRecord(b []byte, place uint64) (r record, size int) {
	size = recordSize(b)
	if size == 0 || size > len(b) {
		return r, 0
	}
	if sumOf(l.made, place, b[:recordSum], b[recordHead:size]) != binary.LittleEndian.Uint32(b[recordSum:]) {
		return r, 0
	}
	r.length, r.number = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	r.fileSum, r.data = binary.LittleEndian.Uint32(b[16:]), b[recordHead:size]
	return r, size
}

// nextRecord returns where in b, which stands at place, the first record begins of an item
// from number first on, below end; -1: there is none.
func (l *logs) nextRecord(b []byte, place, first, end uint64) (at int, r record) {
	for at := 0; at+recordHead <= len(b); at++ {
		n := binary.LittleEndian.Uint64(b[at+8:])
		if n < first || n >= end {
			continue
		}
		if r, size := l.parseRecord(b[at:], place+uint64(at)); size > 0 {
			return at, r
		}
	}
	return -1, r
}
