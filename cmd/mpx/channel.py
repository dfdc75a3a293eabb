import os
import signal
import sys
import threading
import time
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray, RawValue

context = get_context("fork")  # which Python 3.14 must be asked for


class FloatChannel:
    """One message of doubles at a time, from one process to another."""

    def __init__(self, maxsize):
        self.buffer = RawArray("d", maxsize)
        self.buffer_len = RawValue("i")
        self.empty = context.Semaphore(1)
        self.full = context.Semaphore(0)

    def send(self, values):
        self.empty.acquire()
        nitems = len(values)
        self.buffer_len.value = nitems
        self.buffer[:nitems] = values
        self.full.release()

    def recv(self):
        self.full.acquire()
        values = self.buffer[: self.buffer_len.value]
        self.empty.release()
        return values


def produce(count, ch, values):
    for _ in range(count):
        ch.send(values)


def end_with_stdin():
    """Who started this has been killed."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def main():
    size, count = int(sys.argv[1]), int(sys.argv[2])
    ch = FloatChannel(size)
    values = [float(i) for i in range(size)]
    p = context.Process(target=produce, args=(count + 1, ch, values))
    p.start()
    threading.Thread(target=end_with_stdin, daemon=True).start()
    if ch.recv() != values:  # the first one warms it up
        sys.exit("the message is another")
    begin = time.perf_counter()
    for _ in range(count):
        ch.recv()
    print((time.perf_counter() - begin) / count)
    p.join()


main()
