package task

import (
	"bytes"
	"io"
	"testing"
)

// benchmarkSource reads input, of n records, again and again by spec and
// reports records a second.
func benchmarkSource(b *testing.B, spec SourceSpec, input []byte, n int) {
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		spec.Stdin = bytes.NewReader(input)
		s, err := OpenSource(spec)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = s.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkLines(b *testing.B) {
	const n = 1_000_000
	input := bytes.Repeat([]byte("some/dir/file-1234567.png\n"), n)
	for _, bench := range []struct {
		name string
		spec SourceSpec
	}{
		{"single", SourceSpec{}},
		{"skip", SourceSpec{SkipEmpty: true, SkipBlank: true}},
		{"n10", SourceSpec{MaxArgs: 10}},
		{"max", SourceSpec{Fill: true, Jobs: 4}},
		{"colsep", SourceSpec{Colsep: []byte("/")}},
		{"blanks", SourceSpec{Colsep: []byte(" ")}},
		{"csv", SourceSpec{CSV: true, Colsep: []byte("/")}},
		{"stdin", SourceSpec{ToStdin: true}},
		{"block", SourceSpec{ToStdin: true, Block: 1 << 20}},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkSource(b, bench.spec, input, n) })
	}
}
