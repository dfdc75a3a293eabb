package task

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// What goes in comes out, in order and once, however it is read, whatever the
// delimiters; and only a record that stands alone may hold the filter's.
func TestSpansHoldTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delim := rapid.SampledFrom([]string{"\n", ";", "\x00"}).Draw(t, "delim")
		records := rapid.SliceOfN(rapid.StringMatching(`[a;\n]{0,12}`), 0, 60).Draw(t, "records")
		for i := range records {
			records[i] = strings.ReplaceAll(records[i], delim, "b")
		}
		input := strings.Join(records, delim)
		if len(records) > 0 && (records[len(records)-1] == "" || rapid.Bool().Draw(t, "ended")) {
			input += delim
		}
		var in io.Reader = strings.NewReader(input)
		if rapid.Bool().Draw(t, "slow") {
			in = iotest.OneByteReader(in)
		}
		src, err := OpenSource(SourceSpec{Stdin: in, Delim: []byte(delim), Span: rapid.IntRange(1, 40).Draw(t, "size"), SpanDelim: '\n'})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			tasks, err := src.Next()
			for i := range tasks {
				got = append(got, recordsOf(t, &tasks[i], uint64(len(got)+1))...)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(got, "|") != strings.Join(records, "|") || len(got) != len(records) {
			t.Fatalf("got %q, want %q", got, records)
		}
	})
}

// recordsOf returns the records of tk, whose number is to be seq, cut at a
// random place.
func recordsOf(t *rapid.T, tk *Task, seq uint64) (got []string) {
	if tk.Seq != seq {
		t.Fatalf("task %d, want %d", tk.Seq, seq)
	}
	if tk.Records == 0 {
		return []string{string(tk.Values.At(0))}
	}
	if n := bytes.Count(tk.Stdin, []byte("\n")); n != tk.N() {
		t.Fatalf("%d records in %q of %d", n, tk.Stdin, tk.N())
	}
	if tk.N() > 1 {
		n := rapid.IntRange(1, tk.N()-1).Draw(t, "cut")
		head := tk.Cut(n, '\n')
		return append(recordsOf(t, &head, seq), recordsOf(t, tk, seq+uint64(n))...)
	}
	tk.Single()
	return []string{string(tk.Values.At(0))}
}
