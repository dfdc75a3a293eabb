"""imap.py JOBS COUNT CHUNKSIZE: COUNT records through imap_unordered, each given
back by a function that does nothing else, and printed. The start method is fork,
Python's quickest."""

import multiprocessing
import sys


def same(x):
    return x


if __name__ == "__main__":
    jobs, count, chunksize = map(int, sys.argv[1:])
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for x in pool.imap_unordered(same, range(1, count + 1), chunksize=chunksize):
            sys.stdout.write("%d\n" % x)
