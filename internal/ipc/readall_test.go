package ipc

import "io"

// ReadAll decodes r to its end and hands each frame to f.
func ReadAll(r io.Reader, f func(Kind, []byte) error) error {
	d := NewDecoder(4096)
	for {
		_, rerr := d.Fill(r.Read)
		for {
			kind, body, ok, err := d.Next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := f(kind, body); err != nil {
				return err
			}
		}
		switch {
		case rerr == io.EOF:
			return d.End()
		case rerr != nil:
			return rerr
		}
	}
}
