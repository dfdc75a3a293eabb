package worker

import (
	"strings"

	"mpx/internal/task"
)

// newDouble doubles decimal integers of any size: the example by which pools
// are introduced, and the benchmark's smallest possible task.
func newDouble([]byte) (Compute, error) {
	return func(v task.Values) Reply {
		if v.Len() != 1 {
			return Reply{Exit: 1, Stderr: []byte("double: want one integer\n")}
		}
		twice, ok := double(string(v.At(0)))
		if !ok {
			return Reply{Exit: 1, Stderr: []byte("double: not an integer\n")}
		}
		return Reply{Stdout: append(twice, '\n')}
	}, nil
}

// double returns twice n, as it is written by hand: digit by digit from the
// right. (math/big would be 2 % of mpx.)
func double(n string) (twice []byte, ok bool) {
	digits, minus := strings.CutPrefix(n, "-")
	if !minus {
		digits = strings.TrimPrefix(digits, "+")
	}
	if digits == "" {
		return nil, false
	}
	digits = strings.TrimLeft(digits[:len(digits)-1], "0") + digits[len(digits)-1:] // one stays
	twice = make([]byte, len(digits)+2)
	at, carry := len(twice), byte(0)
	for i := len(digits) - 1; i >= 0; i-- {
		c := digits[i]
		if c < '0' || c > '9' {
			return nil, false
		}
		d := 2*(c-'0') + carry
		carry = d / 10
		at--
		twice[at] = '0' + d%10
	}
	if carry > 0 {
		at--
		twice[at] = '1'
	}
	if minus && digits != "0" {
		at--
		twice[at] = '-'
	}
	return twice[at:], true
}
