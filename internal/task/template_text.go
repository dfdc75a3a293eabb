package task

// Text is a template for a string that is not a command, such as the prefix of
// --tagstring or a file name of --results: the same placeholders, but nothing
// is appended and several values are always joined.
type Text struct{ parts []part }

// CompileText reads text; s says what its placeholders may be. An error is a
// *UsageError.
func CompileText(text string, s Spec) (*Text, error) {
	s.Filter = false // what is said of a record may name it
	if err := s.checkPlaces(s.places(text)); err != nil {
		return nil, err
	}
	return &Text{s.parts(text)}, nil
}

// Render returns the text for t in slot (from 1).
func (x *Text) Render(t *Task, slot int) []byte {
	f := filling{task: t, slot: slot}
	return f.appendParts(nil, x.parts)
}
