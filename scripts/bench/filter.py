"""filter.py: gives back each line, at once."""

import sys

for line in sys.stdin:
    sys.stdout.write(line)
    sys.stdout.flush()
