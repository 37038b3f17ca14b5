"""cyclictest, the measure of a kernel's wake-up latency, beside a task of the engine."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.waiting import wait_until
from measure.system import processor_per_wake_up, thread_of, usage

PRIORITY = 80
PERIOD_NS = 1_000_000
# It counts latencies one by one up to a million units; of later ones only the greatest is known.
COUNTED = 999_999


# Further cycles after a comparison: cyclictest's own end is work for the kernel, as its start is, and on a busy computer
# the last look at its thread may come late.
AFTERWARDS = 1500


@dataclass
class Comparison:
    """The engine and cyclictest in the same stretch of time: how often each latency (ns) occurred."""

    engine: dict
    baseline: dict
    scans: int
    skipped: int
    # Processor time (ns) from one sleep to the next.
    engine_processor: float
    baseline_processor: float


def compare(core, pid, cycles, cpu=None, unit_ns=1):
    """Of the running task of 1 ms of the core with this process number."""
    with beside(core.value(".PHASE"), cycles + AFTERWARDS, cpu, unit_ns) as (process, histogram):
        threads = [(pid, thread_of(pid, "scan-0")), (process.pid, measuring_thread(process))]
        before = core.task()
        processor = processor_per_wake_up(threads, cycles / 1000)
        after = core.task()
        baseline = histogram()
    scans, skipped = (after[name] - before[name] for name in ("scan_count", "skipped"))
    return Comparison(counted(before, after), dict(baseline), scans, skipped, *processor)


def counted(before, after):
    """Latencies of a task between two looks, told as the middle of each bucket, which is a 64th wide at most. The greatest is told
    as the greatest of its bucket: never too low."""
    buckets = {least: (greatest, count) for least, greatest, count in after["cycle_latency"]["histogram"]}
    earlier = {least: count for least, _, count in before["cycle_latency"]["histogram"]}
    since = {least: count - earlier.get(least, 0) for least, (_, count) in buckets.items()}
    since = {least: count for least, count in since.items() if count}
    return {
        buckets[least][0] if least == max(since) else (least + buckets[least][0]) // 2: count
        for least, count in since.items()
    }


@contextmanager
def beside(phase_ns, cycles, cpu=None, unit_ns=1):
    """The same priority and period as the task whose deadlines are at this phase, half a period later. Gives the
    process and a function that waits for its end and returns how often each latency (ns, in steps of a unit of 1 ns or
    1 µs) occurred."""
    offset = (phase_ns + PERIOD_NS // 2) % PERIOD_NS // 1000
    with tempfile.TemporaryDirectory(prefix="openplc-cyclictest-") as folder:
        result = Path(folder) / "result.json"
        process = subprocess.Popen(
            [
                "cyclictest",
                *("--mlockall", "--quiet", f"--priority={PRIORITY}", f"--interval={PERIOD_NS // 1000}"),
                *(f"--loops={cycles}", f"--secaligned={offset}", f"--histogram={COUNTED}", f"--json={result}"),
                *(["--nsecs"] if unit_ns == 1 else []),
                *([] if cpu is None else [f"--affinity={cpu}"]),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def histogram():
            if process.wait():
                raise RuntimeError(f"cyclictest ended with {process.returncode}")
            return read(json.loads(result.read_text())["thread"]["0"], unit_ns)

        try:
            yield process, histogram
        finally:
            process.kill()
            process.wait()


def measuring_thread(process):
    """Its thread that is woken up, once it is."""

    def find():
        threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task") if int(name) != process.pid]
        return threads[0] if threads and usage(process.pid, threads[0])[1] > 10 else None

    return wait_until(find, "cyclictest to measure")


def read(thread, unit_ns):
    """What it counted, and the deadlines that it slept through, as the engine counts them: a wake-up that is late by
    more than a period is a late one for each of them."""
    # It cuts a unit off: on the average half of it.
    found = Counter({int(latency) * unit_ns + unit_ns // 2: count for latency, count in thread["histogram"].items()})
    found[thread["max"] * unit_ns] += thread["cycles"] - found.total()
    for latency, count in list(found.items()):
        for missed in range(latency - PERIOD_NS, 0, -PERIOD_NS):
            found[missed] += count
    return +found
