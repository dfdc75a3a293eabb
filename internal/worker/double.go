package worker

import (
	"math/big"

	"mpx/internal/task"
)

// newDouble doubles decimal integers of any size: the example by which pools
// are introduced, and the benchmark's smallest possible task.
func newDouble([]byte) (Compute, error) {
	return func(v task.Values) Reply {
		var n big.Int
		if v.Len() != 1 {
			return Reply{Exit: 1, Stderr: []byte("double: want one integer\n")}
		}
		if _, ok := n.SetString(string(v.At(0)), 10); !ok {
			return Reply{Exit: 1, Stderr: []byte("double: not an integer\n")}
		}
		return Reply{Stdout: append(n.Lsh(&n, 1).Append(nil, 10), '\n')}
	}, nil
}
