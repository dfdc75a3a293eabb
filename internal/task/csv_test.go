package task

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestCSVSplit(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb":               "a|b",
		"\"a\nb\"\nc\n":      "\"a\nb\"|c",
		"\"\"\"\n\"\nc\n":    "\"\"\"\n\"|c",
		"a,\"\n\",b\nc\n":    "a,\"\n\",b|c",
		"a\"\nb\nc\"\n":      "a\"|b|c\"", // stray quotes swallow no lines
		"\"a\"x\"\nb\n":      "\"a\"x\"|b",
		"\"a\"x\"\n\"\n\"\n": "\"a\"x\"|\"\n\"",
		"\"a\n":              "\"a\n",
	} {
		for _, size := range []int{1, 2, 100} {
			f := &stream{
				inputs: []input{{r: &ragged{rest: []byte(in), sizes: func() int { return size }}}},
				split:  &csvSplit{comma: ','}, limit: maxRecord,
			}
			var got []string
			for {
				r, ok := f.next()
				if ok {
					got = append(got, string(r.text()))
				} else if f.fill() != nil {
					break
				}
			}
			if s := strings.Join(got, "|"); s != want {
				t.Errorf("%q read by %d: %q, want %q", in, size, s, want)
			}
		}
	}
}

// readCSV returns the records before the first error, if any.
func readCSV(t *testing.T, in []byte, size int) (got [][]string, err error) {
	s, err := OpenSource(SourceSpec{CSV: true, Stdin: &ragged{rest: in, sizes: func() int { return size }}})
	if err != nil {
		t.Fatal(err)
	}
	for {
		tasks, err := s.Next()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		for i := range tasks {
			var fields []string
			for k := range tasks[i].Values.Len() {
				fields = append(fields, string(tasks[i].Values.At(k)))
			}
			got = append(got, fields)
		}
	}
}

// Where encoding/csv is of the same mind, records and fields are the same; it
// passes over lines that are empty and changes those that end in \r\n.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\nc", "\"a\"\"\n\",,\n\n\"\"\n", "a\"b\n", "\"a\"b\n", "\"a", "\"\"\"\",\"\n\"", "a\r\n\"b\r\"\r"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		got, err := readCSV(t, in, max(size, 1))
		if bytes.IndexByte(in, '\r') >= 0 {
			return
		}
		r := csv.NewReader(bytes.NewReader(in))
		r.FieldsPerRecord = -1
		for i := 0; ; i++ {
			for i < len(got) && len(got[i]) == 1 && got[i][0] == "" {
				got = slices.Delete(got, i, i+1) // an empty line, or ""
			}
			want, werr := r.Read()
			for werr == nil && len(want) == 1 && want[0] == "" {
				want, werr = r.Read()
			}
			switch {
			case werr == io.EOF:
				if err != nil || i != len(got) {
					t.Fatalf("%q, error %v; want no record %d", got, err, i)
				}
				return
			case werr != nil:
				if err == nil || i != len(got) {
					t.Fatalf("%q, error %v; want record %d to be an error: %v", got, err, i, werr)
				}
				return
			case i == len(got) || !slices.Equal(got[i], want):
				t.Fatalf("%q, error %v; want record %d to be %q", got, err, i, want)
			}
		}
	})
}
