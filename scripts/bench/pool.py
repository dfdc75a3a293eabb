"""pool.py JOBS COUNT TASKS: COUNT calls of a function that does nothing, in
multiprocessing's Pool whose workers are replaced after TASKS calls. The start
method is fork, Python's quickest."""

import multiprocessing
import sys


def same(x):
    return x


if __name__ == "__main__":
    jobs, count, tasks = map(int, sys.argv[1:])
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=tasks) as pool:
        if pool.map(same, range(count), chunksize=1) != list(range(count)):
            sys.exit("pool.py: wrong results")
