package main

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tooMany is the exit status of critical when it saw more than there may be.
const tooMany = 99

// cells are what the processes in a critical section share, a cell each: its pid,
// and how often it has looked. A process that was killed leaves one that stands
// still.
type cells []atomic.Uint64

// critical is a stay in a critical section: critical CELL MOST FILE. With another word
// it stays until it sees more than MOST, or for as long as patience.
func critical() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: critical CELL MOST FILE [stay]")
		os.Exit(2)
	}
	stay := len(os.Args) > 4
	mine, err1 := strconv.Atoi(os.Args[1])
	most, err2 := strconv.Atoi(os.Args[2])
	c, err := openCells(os.Args[3])
	if err != nil || err1 != nil || err2 != nil || mine >= len(c) {
		fmt.Fprintln(os.Stderr, err, err1, err2)
		os.Exit(2)
	}
	var seen [][]uint64
	me := uint64(os.Getpid()) << 32
	begun := time.Now()
	for look := uint64(0); look < 15 || stay && time.Since(begun) < patience; look++ {
		c[mine].Store(me | (look + 1))
		seen = append(seen, c.look())
		if c.within(seen) > most {
			os.Exit(tooMany)
		}
		time.Sleep(300 * time.Microsecond)
	}
	c[mine].Store(0)
}

func openCells(path string) (cells, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 8*contenders, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&b[0])), contenders), nil
}

func (c cells) look() (all []uint64) {
	for i := range c {
		all = append(all, c[i].Load())
	}
	return all
}

// within returns how many were in the section at one moment for certain: between
// three looks, some apart, the same process has gone on in both halves.
func (c cells) within(seen [][]uint64) (n int) {
	const apart = 3
	last := len(seen) - 1
	if last < 2*apart {
		return 0
	}
	for i := range c {
		x, y, z := seen[last-2*apart][i], seen[last-apart][i], seen[last][i]
		if x != 0 && x>>32 == y>>32 && y>>32 == z>>32 && x < y && y < z {
			n++
		}
	}
	return n
}
