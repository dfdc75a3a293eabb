import sys
import time
from multiprocessing import Process, Semaphore
from multiprocessing.sharedctypes import RawArray, RawValue


class FloatChannel:
    """One message of doubles at a time, from one process to another."""

    def __init__(self, maxsize):
        self.buffer = RawArray("d", maxsize)
        self.buffer_len = RawValue("i")
        self.empty = Semaphore(1)
        self.full = Semaphore(0)

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


def main():
    size, count = int(sys.argv[1]), int(sys.argv[2])
    ch = FloatChannel(size)
    values = [float(i) for i in range(size)]
    p = Process(target=produce, args=(count + 1, ch, values))
    p.start()
    if ch.recv() != values:  # the first one warms it up
        sys.exit("the message is another")
    begin = time.perf_counter()
    for _ in range(count):
        ch.recv()
    print((time.perf_counter() - begin) / count)
    p.join()


main()
