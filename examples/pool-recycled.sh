#!/bin/sh
# Workers that are retired after three tasks, and replaced (maxtasksperchild=3): what
# a task leaks or leaves behind goes with its worker.
#
#   pool-recycled.sh [N]     N tasks, or 20; prints which worker had how many
set -eu
# shellcheck disable=SC2016 # each task has its own
seq "${1:-20}" | mpx map -j 4 --maxtasksperchild 3 sh -c 'echo "$MPX_WORKER"' | sort | uniq -c
