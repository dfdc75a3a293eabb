package task

import (
	"encoding/json"
	"fmt"
)

// specJSON is Spec with bytes for text: JSON strings cannot hold file names
// that are not UTF-8.
type specJSON struct {
	Words, Shell, Names                  [][]byte `json:",omitempty"`
	Replace                              []byte   `json:",omitempty"`
	NoShell, ToStdin, Omit, Many, Filter bool     `json:",omitempty"`
	MultiValue                           bool     `json:",omitempty"`
	Columns                              int      `json:",omitempty"`
}

// MarshalJSON keeps every byte.
func (s Spec) MarshalJSON() ([]byte, error) {
	return json.Marshal(specJSON{
		Words: toBytes(s.Words), Shell: toBytes(s.Shell), Names: toBytes(s.Names),
		Replace: []byte(s.Replace), NoShell: s.NoShell, ToStdin: s.ToStdin, Filter: s.Filter,
		Omit: s.Omit, Many: s.Many, MultiValue: s.MultiValue, Columns: s.Columns,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Spec) UnmarshalJSON(b []byte) error {
	var j specJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("read command: %w", err)
	}
	*s = Spec{
		Words: toStrings(j.Words), Shell: toStrings(j.Shell), Names: toStrings(j.Names),
		Replace: string(j.Replace), NoShell: j.NoShell, ToStdin: j.ToStdin, Filter: j.Filter,
		Omit: j.Omit, Many: j.Many, MultiValue: j.MultiValue, Columns: j.Columns,
	}
	return nil
}

func toBytes(l []string) [][]byte {
	var b [][]byte
	for _, x := range l {
		b = append(b, []byte(x))
	}
	return b
}

func toStrings(l [][]byte) []string {
	var s []string
	for _, x := range l {
		s = append(s, string(x))
	}
	return s
}
