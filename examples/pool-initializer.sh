#!/bin/sh
# A pool whose workers are set up once, each, by an initializer: what it sets is there
# for all tasks of its worker (Pool(initializer=..., initargs=...)).
#
#   pool-initializer.sh [N]     doubles the numbers from 0 to N-1, or 99
set -eu
n=${1:-100}

# shellcheck disable=SC2016 # the workers expand these
seq 0 $((n - 1)) | mpx map -j 4 --worker shell --initializer '
	factor=2
	echo "$MPX_WORKER begins" >&2
	double() { echo $(($1 * factor)); }
' double
