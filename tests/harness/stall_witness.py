"""Knows when this machine stood still: a shared or virtual one takes the processors away from everybody for tens of
milliseconds now and then, and what a test says about time must not blame the runtime for that.

On each processor sits a process of higher real-time priority than any scan, which wakes up every millisecond and notes each
time that it was woken late. Whatever delayed it delayed scans too; whatever did not delay it is the runtime's own fault.

Started as a program (`stall_witness.py CPU DESCRIPTOR`) this file is such a process.
"""

import ctypes
import gc
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

# Above the scans' SCHED_FIFO 80.
PRIORITY = 90
# All times are seconds of time.monotonic(), which is one clock for all processes.
PERIOD = 0.001
# Later than this is a stall.
SHORTEST = 0.001
# What runs between two stalls this close to each other has no time to catch up.
ADJACENT = 0.005

# What a process tells, in shared memory: when it was last awake, how many stalls it has seen, and the latest of them.
AWAKE, COUNT, STALLS = 0, 8, 16
STALL = struct.Struct("dd")
CAPACITY = 8192
SIZE = STALLS + CAPACITY * STALL.size


@dataclass(frozen=True)
class Stall:
    start: float
    end: float

    @property
    def length(self):
        return self.end - self.start

    def __str__(self):
        return f"{1000 * self.length:.1f} ms at {self.start:.3f}"


class StallWitness:
    def __init__(self):
        self.members = [Member(cpu) for cpu in sorted(os.sched_getaffinity(0))]

    def is_real_time(self):
        """Whether it can testify: without real-time priority it is late as often as anybody."""
        return all(member.is_real_time() for member in self.members)

    def stalls(self, since, until):
        """What happened from `since` to `until` on any processor, for a thread may sleep on any; adjacent ones are one."""
        merged = []
        for stall in sorted((s for member in self.members for s in member.stalls(until)), key=lambda s: s.start):
            if merged and stall.start <= merged[-1].end + ADJACENT:
                merged[-1] = Stall(merged[-1].start, max(merged[-1].end, stall.end))
            else:
                merged.append(stall)
        return [stall for stall in merged if stall.end >= since and stall.start <= until]

    def close(self):
        for member in self.members:
            member.close()


class Member:
    """The process on one processor."""

    def __init__(self, cpu):
        descriptor = os.memfd_create(f"stall-witness-{cpu}")
        os.ftruncate(descriptor, SIZE)
        self.memory = mmap.mmap(descriptor, SIZE)
        self.process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(cpu), str(descriptor)],
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )
        os.close(descriptor)
        self.wait_until_awake(time.monotonic())

    def is_real_time(self):
        return os.sched_getscheduler(self.process.pid) == os.SCHED_FIFO

    def awake(self):
        return struct.unpack_from("d", self.memory, AWAKE)[0]

    def wait_until_awake(self, moment):
        deadline = time.monotonic() + 20
        while self.awake() <= moment:
            assert self.process.poll() is None, f"the stall witness ended with {self.process.returncode}"
            assert time.monotonic() < deadline, "the stall witness does not wake up"
            time.sleep(PERIOD)

    def stalls(self, until):
        """All that it remembers, once it has been awake after `until`."""
        self.wait_until_awake(until)
        count = struct.unpack_from("Q", self.memory, COUNT)[0]
        for number in range(max(0, count - CAPACITY // 2), count):
            yield Stall(*STALL.unpack_from(self.memory, place(number)))

    def close(self):
        self.process.kill()
        self.process.wait()


def place(number):
    return STALLS + number % CAPACITY * STALL.size


def testify(cpu, descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_pdeathsig, everything_now_and_later = 1, 3
    libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    memory = mmap.mmap(descriptor, SIZE)
    os.sched_setaffinity(0, {cpu})
    try:
        libc.mlockall(everything_now_and_later)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        pass  # is_real_time tells
    gc.disable()
    count, awake = 0, time.monotonic()
    deadline = awake
    while True:
        deadline += PERIOD
        time.sleep(max(0.0, deadline - time.monotonic()))
        before, awake = awake, time.monotonic()
        if awake > deadline + SHORTEST:
            # It may have begun right after the last look.
            STALL.pack_into(memory, place(count), before, awake)
            count += 1
            struct.pack_into("Q", memory, COUNT, count)
            deadline = awake
        # Last: who sees this sees all that was before it.
        struct.pack_into("d", memory, AWAKE, awake)


if __name__ == "__main__":
    testify(int(sys.argv[1]), int(sys.argv[2]))
