#!/bin/sh
# The digest map: SHA-512 of all files below a directory, by a pool; and what changed
# since.
#
#   digest-map.sh DIR SUMS      the first time writes SUMS, afterwards checks it
#
# SUMS is not in DIR.
set -eu
dir=${1:?"a directory"} sums=${2:?"a file for the digests"}
if [ -e "$sums" ]; then
	mpx digest --check "$sums"
else
	mpx digest --chunksize 20 -- "$dir" >"$sums.new"
	mv -- "$sums.new" "$sums" # now it is whole: half of it would check half of the files
	echo "$(wc -l <"$sums") digests are in $sums"
fi
