package worker

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// DigestArgs is the configuration of the function "digest".
type DigestArgs struct {
	Algorithm string `json:"algorithm"`
}

// Algorithms are those that digest knows, by the names of their commands
// without "sum".
var Algorithms = map[string]func() hash.Hash{
	"sha512": sha512.New,
	"sha256": sha256.New,
	"sha1":   sha1.New,
	"md5":    md5.New,
}

// digestBlock is how much of a file is read at a time, in bytes.
const digestBlock = 128 << 10

// newDigest returns the function that takes the path of a regular file, its
// first value, and gives its checksum in hexadecimal. Whatever else bears that name by the time
// it is opened neither blocks nor counts.
func newDigest(args []byte) (Compute, error) {
	var a DigestArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, err
	}
	make, ok := Algorithms[a.Algorithm]
	if !ok {
		return nil, fmt.Errorf("no algorithm named %q", a.Algorithm)
	}
	d := digester{h: make(), block: new([digestBlock]byte)}
	return func(v task.Values) Reply {
		if v.Len() == 0 {
			return Reply{Exit: 1, Stderr: []byte("no path")}
		}
		sum, err := d.sum(string(v.At(0)))
		if err != nil {
			return Reply{Exit: 1, Stderr: []byte(err.Error())}
		}
		return Reply{Stdout: sum}
	}, nil
}

// A digester is one worker's: it keeps its block and its state.
type digester struct {
	h     hash.Hash
	block *[digestBlock]byte
}

var errNotRegular = errors.New("not a regular file")

// sum uses plain system calls: os.File would put each file into the poller.
func (d *digester) sum(path string) ([]byte, error) {
	fd, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	d.h.Reset()
	for {
		n, err := unix.Read(fd, d.block[:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return hex.AppendEncode(nil, d.h.Sum(nil)), nil
		default:
			_, _ = io.Writer(d.h).Write(d.block[:n]) // a hash takes all
		}
	}
}

// openRegular opens path without ever waiting for a FIFO's other end.
func openRegular(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errNotRegular
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
