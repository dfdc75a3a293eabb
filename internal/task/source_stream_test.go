package task

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// ragged reads from rest in chunks of the given sizes, at times nothing, and
// says io.EOF with the last bytes or after them.
type ragged struct {
	rest  []byte
	sizes func() int
	mute  bool // the last read gave nothing
}

func (r *ragged) Read(p []byte) (int, error) {
	size := r.sizes()
	if r.mute {
		size = max(size, 1)
	}
	r.mute = size == 0
	n := copy(p[:min(len(p), size)], r.rest)
	r.rest = r.rest[n:]
	if len(r.rest) == 0 && (n == 0 || size%2 == 0) {
		return n, io.EOF
	}
	return n, nil
}

// Records come out as they went in, however they are delimited and read.
func TestSourceChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delim := []byte(rapid.SampledFrom([]string{"\n", "\x00", "ab", "aab", "\r\n", "--"}).Draw(t, "delim"))
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab-\r\n\x00x")), 0, 12, -1)
		input := []byte(strings.Join(rapid.SliceOf(text).Draw(t, "records"), string(delim)))
		want := bytes.Split(input, delim)
		if len(want[len(want)-1]) == 0 {
			want = want[:len(want)-1]
		}
		spec := SourceSpec{
			Stdin:    &ragged{rest: input, sizes: func() int { return rapid.IntRange(0, 9).Draw(t, "read") }},
			Delim:    delim,
			MaxBatch: rapid.IntRange(1, 5).Draw(t, "batch"),
		}
		same(t, spec, want)
		spec.Stdin = &ragged{rest: input, sizes: func() int { return rapid.IntRange(0, 9).Draw(t, "read") }}
		spec.ToStdin = true
		spec.MaxArgs = rapid.IntRange(1, 3).Draw(t, "n")
		if all := bytes.Join(sourceData(t, spec), nil); !bytes.Equal(all, input) {
			t.Fatalf("tasks' stdin joined is %q, want %q", all, input)
		}
	})
}

// same fails unless the tasks of spec are want.
func same(t rapid.TB, spec SourceSpec, want [][]byte) {
	if got := sourceData(t, spec); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("records %q, want %q", got, want)
	}
}

// sourceData returns the first value, or the standard input, of each task.
func sourceData(t rapid.TB, spec SourceSpec) (got [][]byte) {
	s, err := OpenSource(spec)
	if err != nil {
		t.Fatal(err)
	}
	for {
		tasks, err := s.Next()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range tasks {
			if spec.ToStdin {
				got = append(got, tasks[i].Stdin)
			} else {
				got = append(got, tasks[i].Values.At(0))
			}
		}
	}
}

// Tasks keep their bytes while later blocks are read: records of all lengths
// around the size of a block, checked when all has been read.
func TestSourceBlocks(t *testing.T) {
	var want [][]byte
	for i, n := range []int{1, 100, minRead, blockSize/2 - 1, blockSize / 2, blockSize/2 + 1, blockSize - 2, blockSize - 1, blockSize, 3, 2*blockSize + 1, 5 * blockSize, 0, 7} {
		want = append(want, bytes.Repeat([]byte{byte('A' + i)}, n))
	}
	want = slices.Concat(want, want)
	input := bytes.Join(want, []byte("\n"))
	same(t, SourceSpec{Stdin: bytes.NewReader(input)}, want)
	for _, size := range []int{1000, minRead - 1, blockSize/2 + 1} {
		same(t, SourceSpec{Stdin: &ragged{rest: input, sizes: func() int { return size }}}, want)
	}
}

// A producer that waits for its record to be dealt with gets on.
func TestSourceSlowProducer(t *testing.T) {
	for _, spec := range []SourceSpec{
		{},
		{Colsep: []byte(",")},
		{CSV: true},
		{ToStdin: true},
		{Groups: []Group{{IsFile: true, File: "-"}, linked("1", "2", "3")}},
	} {
		r, w := io.Pipe()
		dealt := make(chan struct{})
		go func() {
			for range 3 {
				io.WriteString(w, "a\nb") // the second record is not whole
				<-dealt
				io.WriteString(w, "\n")
				<-dealt
			}
			w.Close()
		}()
		spec.Stdin = r
		s, err := OpenSource(spec)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			tasks, err := s.Next()
			if err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				break
			}
			if len(tasks) != 1 {
				t.Fatalf("%d tasks of one record", len(tasks))
			}
			n++
			dealt <- struct{}{}
			if len(spec.Groups) > 0 && n == 3 {
				break
			}
		}
		if want := 6 - 3*min(len(spec.Groups), 1); n != want {
			t.Errorf("%d tasks, want %d", n, want)
		}
		r.Close()
		close(dealt)
	}
}

// counting counts the bytes that a splitter looks at.
type counting struct {
	splitter
	bytes *int
}

func (c counting) find(data []byte, from int) (end, next int) {
	end, next = c.splitter.find(data, from)
	if next > 0 {
		*c.bytes += next - from
	} else {
		*c.bytes += len(data) - from
	}
	return end, next
}

// A huge record is read in linear time, and the small ones after it do not
// keep its memory.
func TestSourceHugeRecord(t *testing.T) {
	for name, split := range map[string]splitter{
		"byte": byteSplit('\n'), "csv": &csvSplit{comma: ','}, "text": textSplit("\nsm"),
	} {
		huge := int64(32 << 20)
		if name != "byte" {
			huge = 4 << 20 // -race is slow on them
		}
		text := io.MultiReader(io.LimitReader(zeros{}, huge), strings.NewReader("\nsmall\n"))
		looked := 0
		f := &stream{
			inputs: []input{{name: "stdin", r: text}},
			split:  counting{split, &looked}, limit: maxRecord,
		}
		r, ok := f.next()
		for ; !ok; r, ok = f.next() {
			if err := f.fill(); err != nil {
				t.Fatal(name, err)
			}
		}
		if int64(r.n) != huge || int64(looked) > huge+blockSize {
			t.Errorf("%s: record of %d bytes, %d looked at", name, r.n, looked)
		}
		if cap(f.buf) > blockSize {
			t.Errorf("%s: what follows keeps %d bytes", name, cap(f.buf))
		}
		if r, ok = f.next(); name != "text" && (!ok || string(r.text()) != "small") {
			t.Errorf("%s: then %q, %v", name, r.text(), ok)
		}
	}
}

// Lists of values share memory, but not that of a huge one.
func TestPackerHuge(t *testing.T) {
	var p packer
	for _, n := range []int{1, packChunk - 1, 1, 100 * packChunk, 1} {
		p.add(bytes.Repeat([]byte{'x'}, n))
		p.add([]byte("y"))
		v, err := p.values()
		if err != nil || v.Len() != 2 || len(v.At(0)) != n || string(v.At(1)) != "y" {
			t.Errorf("%d values, %v, of a list with a value of %d bytes", v.Len(), err, n)
		}
		if cap(p.data) > packChunk {
			t.Errorf("after a value of %d bytes, %d bytes are kept", n, cap(p.data))
		}
	}
	for range 10 * packChunk {
		p.end()
	}
	if v, err := p.values(); err != nil || v.Len() != 10*packChunk || len(v.At(v.Len()-1)) != 0 {
		t.Errorf("%d empty values, %v", v.Len(), err)
	}
	if v, err := p.values(); err != nil || v.Len() != 0 {
		t.Errorf("no value is %d, %v", v.Len(), err)
	}
}

// An input without delimiters ends in an error, not in all memory taken.
func TestSourceLimit(t *testing.T) {
	f := &stream{inputs: []input{{name: "zero", r: zeros{}}}, split: byteSplit('\n'), limit: blockSize}
	var err error
	for err == nil {
		if _, ok := f.next(); ok {
			t.Fatal("a record of zeros")
		}
		err = f.fill()
	}
	if want := "read zero: record 1 is longer than 262144 bytes"; err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Short reads share a block.
func TestSourceShortReads(t *testing.T) {
	input := bytes.Repeat([]byte("a short line\n"), 1000)
	s, err := OpenSource(SourceSpec{Stdin: &ragged{rest: input, sizes: func() int { return 13 }}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	perTask := testing.AllocsPerRun(500, func() {
		if tasks, err := s.Next(); err != nil || len(tasks) != 1 {
			t.Errorf("%d tasks, %v", len(tasks), err)
		}
	})
	if perTask > 1 { // the batch
		t.Errorf("%v allocations a task", perTask)
	}
}

// stdin may be set to O_NONBLOCK at any time by a process that shares it.
func TestSourceNonblockingStdin(t *testing.T) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	stdin := os.NewFile(uintptr(p[0]), "stdin")
	defer stdin.Close()
	out := os.NewFile(uintptr(p[1]), "out")
	if err := unix.SetNonblock(p[0], true); err != nil {
		t.Fatal(err)
	}
	if n, err := stdin.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes of an empty pipe", n)
	}
	asked := make(chan struct{})
	go func() {
		<-asked
		out.WriteString("a\n")
		out.Close()
	}()
	got, err := drain(t, SourceSpec{Stdin: notify{stdin, asked}})
	if err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// notify closes asked when a read found nothing.
type notify struct {
	*os.File
	asked chan struct{}
}

func (n notify) Read(p []byte) (int, error) {
	c, err := n.File.Read(p)
	if err != nil && err != io.EOF {
		select {
		case <-n.asked:
		default:
			close(n.asked)
		}
	}
	return c, err
}

// Nothing is read once no combination is left, and a reader that never gives
// anything is no endless loop.
func TestSourceEnds(t *testing.T) {
	got, err := drain(t, SourceSpec{
		Stdin:  endless{},
		Groups: []Group{{IsFile: true, File: "-"}, linked("1", "2"), values("a")},
	})
	if err != nil || !slices.Equal(got, []string{"y|1|a", "y|2|a"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err = drain(t, SourceSpec{Stdin: mute{}}); err == nil {
		t.Error("no error from a reader that reads nothing")
	}
}

type mute struct{}

func (mute) Read([]byte) (int, error) { return 0, nil }
