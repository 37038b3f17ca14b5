"""What a crowd of hostile Modbus clients costs: a legitimate client's answers, the slave's memory and descriptors, and the scans, beside
cyclictest; in quiet, with the crowd at another runtime on the same machine, and with the crowd here, in turns, so that all see the same
moods of the machine."""

import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.modbus import connected, plant, slave_file
from harness.runtime import REPOSITORY, free_port
from measure import cyclictest
from measure.figures import percentile, percentile_of
from measure.modbus import reads
from measure.programs import wake_ups
from measure.wake_up import Task

CROWD = REPOSITORY / "tests" / "clients" / "modbus_hostile_crowd.py"
# Between two requests of the legitimate client.
PAUSE = 0.002
# What the allocator may need for the first of many connections.
GROWTH_BYTES = 2_000_000
# Connections that the crowd has more at one moment than at another.
DESCRIPTORS = 256
# What the p99 of scans over that of cyclictest may differ by.
LATER_NS = 10_000


@dataclass
class Condition:
    """What was seen in one of the three conditions."""

    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    excess: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    engine: Counter = field(default_factory=Counter)
    baseline: Counter = field(default_factory=Counter)
    skipped: int = 0

    def __str__(self):
        late = " ".join(
            f"p{percent} {percentile_of(self.engine, percent) / 1000:.0f} µs "
            f"({percentile_of(self.baseline, percent) / 1000:.0f})"
            for percent in (50, 99, 99.9)
        )
        return (
            f"answers p50 {self.middle(self.p50) * 1e6:.0f} µs, p99 {self.middle(self.p99) * 1e6:.0f} µs, "
            f"of all p99 {percentile(self.answers, 99) * 1e6:.0f} µs; scans late (cyclictest): {late}, p99 over cyclictest "
            f"{self.middle(self.excess) / 1000:+.1f} µs; {self.skipped} of {self.engine.total():,} skipped"
        )

    @staticmethod
    def middle(values):
        return statistics.median(values)


class Crowd:
    """Hostile clients of one slave, which stand still until they are let loose."""

    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, CROWD, str(port)], stdout=subprocess.PIPE, text=True)
        self.process.send_signal(signal.SIGSTOP)

    def let_loose(self, is_loose):
        self.process.send_signal(signal.SIGCONT if is_loose else signal.SIGSTOP)

    def end(self):
        """How many connections it has made."""
        self.process.kill()
        made = self.process.stdout.read().split()
        self.process.wait()
        return int(made[-1]) if made else 0


class Hour:
    """`elsewhere` is a second runtime: a crowd at its slave takes as much of the computer as one at ours, but nothing of our slave."""

    def __init__(self, runtime, elsewhere):
        port, other_port = free_port(), free_port()
        self.port = port
        self.task = Task(runtime, conf={"modbus_slave": slave_file(port)})
        elsewhere.login().deploy(plant(slave=slave_file(other_port)).zip())
        for one in (port, other_port):
            connected(one).close()
        self.slave = runtime.process("openplc-modbus-slave")
        self.crowds = {"elsewhere": Crowd(other_port), "here": Crowd(port)}
        self.conditions = {name: Condition() for name in ("quiet", *self.crowds)}

    def phase(self, name, seconds):
        """A stretch of time in which the crowd of this name is loose."""
        for where, crowd in self.crowds.items():
            crowd.let_loose(where == name)
        time.sleep(1)
        condition = self.conditions[name]
        with ThreadPoolExecutor() as executor:
            client = executor.submit(reads, self.port, 1, seconds, PAUSE)
            run = cyclictest.compare(self.task.core, self.task.pid, round(seconds * 1000))
            latencies, _ = client.result()
        condition.p50.append(percentile(latencies, 50))
        condition.p99.append(percentile(latencies, 99))
        condition.excess.append(percentile_of(run.engine, 99) - percentile_of(run.baseline, 99))
        # A sample of them: an hour has millions.
        condition.answers += latencies[::10]
        condition.engine.update(run.engine)
        condition.baseline.update(run.baseline)
        condition.skipped += run.skipped

    def held(self):
        """Memory and descriptors of the slave."""
        return self.slave.rss(), self.slave.descriptors()

    def end(self):
        return sum(crowd.end() for crowd in self.crowds.values())

    def ratio(self, name):
        """How many times as long as in another condition an answer takes, at the 99th percentile."""
        here, there = self.conditions["here"], self.conditions[name]
        return Condition.middle([late / early for late, early in zip(here.p99, there.p99, strict=True)])

    def problems(self, first):
        """What is worse than it may be; `first` is what was held when the crowd had come."""
        last = self.held()
        if self.ratio("elsewhere") > 2:
            yield "a legitimate client's p99 is more than twice what it is with the crowd elsewhere"
        if last[0] > first[0] + GROWTH_BYTES:
            yield f"memory grew by {(last[0] - first[0]) / 1e6:.2f} MB"
        if last[1] > first[1] + DESCRIPTORS:
            yield f"descriptors grew from {first[1]} to {last[1]}"
        more = Condition.middle(self.conditions["here"].excess) - Condition.middle(self.conditions["quiet"].excess)
        if more > LATER_NS:
            yield f"scans are {more / 1000:.1f} µs later over cyclictest than in quiet"
