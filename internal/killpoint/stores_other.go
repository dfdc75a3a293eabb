//go:build !amd64

package killpoint

// Stores are no points on this processor: calls are.

type mapping struct{}

func (t *tracer) mapped(int)    {}
func (t *tracer) hasMapped(int) {}
func (t *tracer) unprotect(int) {}

func (t *tracer) store(int) (did, changed bool) { return false, false }
