"""Wake-up latency and processor time of a task of 1 ms beside cyclictest: same priority, same period, same processor,
half a period apart."""

import os
import statistics
import time
from contextlib import nullcontext
from pathlib import Path

from harness.programs import Programs
from harness.waiting import wait_until
from measure import cyclictest, loads
from measure.control_socket import ControlSocket
from measure.figures import percentile_of
from measure.programs import wake_ups

CPU = 1
PERCENTILES = (50, 99)


class Task:
    """A running task of 1 ms: its core, its thread, its figures."""

    def __init__(self, runtime, located=0):
        self.api = runtime.login()
        self.port = runtime.port
        self.api.deploy(wake_ups(located).zip(), timeout=300)
        self.core = ControlSocket(runtime.data / "run" / "plc_runtime.socket")
        self.pid = runtime.process("openplc-core").pid

    def restart(self):
        """Fresh figures, on the one processor that cyclictest has too."""
        self.core.restart()
        self.thread = next(
            int(thread.name)
            for thread in Path(f"/proc/{self.pid}/task").iterdir()
            if (thread / "comm").read_text().startswith("scan")
        )
        os.sched_setaffinity(self.thread, {CPU})


def excess(task, seconds):
    """One run. How much later (ns) than cyclictest at each percentile, and both histograms."""
    task.restart()
    with cyclictest.beside(task.core.value(".PHASE"), round(seconds * 1000), CPU, unit_ns=1000) as (_, histogram):
        baseline = histogram()
    ours = {greatest: count for _, greatest, count in task.core.task()["cycle_latency"]["histogram"]}
    return {percent: (percentile_of(ours, percent), percentile_of(baseline, percent)) for percent in PERCENTILES}


def beside_cyclictest(figures, runtime, rounds, seconds):
    """Idle and loaded in turns, so that both see the same moods of the machine."""
    task = Task(runtime)
    broken = loads.that_fails_at_its_end(Programs().large).zip()
    conditions = {
        "idle": nullcontext,
        "a build, 8 API clients, 4 debuggers, stress-ng": lambda: loads.all_at_once(
            loads.api(task.port, task.api.token),
            loads.debug(task.port, task.api.token),
            loads.build(task.port, task.api.token, broken),
            loads.stress(),
        ),
    }
    runs = {name: [] for name in conditions}
    for _ in range(rounds):
        for name, load in conditions.items():
            with load():
                runs[name].append(excess(task, seconds))
    for name, measured in runs.items():
        columns = {
            percent: [statistics.median(run[percent][side] for run in measured) / 1000 for side in (0, 1)]
            + [statistics.median(run[percent][0] - run[percent][1] for run in measured) / 1000]
            for percent in PERCENTILES
        }
        figures.add(
            f"wake-up of a 1 ms task, {name}",
            ", ".join(f"p{percent} {ours:.1f} µs" for percent, (ours, _, _) in columns.items()),
            ", ".join(f"p{percent} {base:.1f} µs ({excess:+.1f})" for percent, (_, base, excess) in columns.items()),
            "≤ 5 µs over cyclictest",
            "32 to 70 µs mean, cyclictest 16 to 20",
            runs=[{f"p{percent}_ns": both for percent, both in run.items()} for run in measured],
        )


def usage(pid, thread):
    """Processor time (ns) that a thread has used, and how often it was given the processor."""
    used, _, times = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()
    return int(used), int(times)


def per_wake_up(before, after):
    return (after[0] - before[0]) / (after[1] - before[1])


def measuring_thread(process):
    """The thread of cyclictest that is woken up, once it is."""

    def find():
        threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task") if int(name) != process.pid]
        return threads[0] if threads and usage(process.pid, threads[0])[1] > 10 else None

    return wait_until(find, "cyclictest to measure")


def overhead(figures, runtime, located, rounds, seconds):
    """Processor time of a scan of a program that does nothing, with the kernel's part of sleeping and waking up, beside
    that of cyclictest, which does nothing else."""
    task = Task(runtime, located)
    differences, ours, baselines = [], [], []
    for _ in range(rounds):
        task.restart()
        with cyclictest.beside(task.core.value(".PHASE"), round(seconds * 2000), CPU) as (process, _):
            threads = [(task.pid, task.thread), (process.pid, measuring_thread(process))]
            before = [usage(*thread) for thread in threads]
            time.sleep(seconds)
            after = [usage(*thread) for thread in threads]
        engine, baseline = (per_wake_up(*pair) for pair in zip(before, after, strict=True))
        ours.append(engine)
        baselines.append(baseline)
        differences.append(engine - baseline)
    more = statistics.median(differences)
    figures.add(
        f"processor time of a scan, {located:,} located variables",
        f"{statistics.median(ours) / 1000:.2f} µs",
        f"cyclictest {statistics.median(baselines) / 1000:.2f} µs; {more / 1000:+.2f} µs",
        f"≤ {'3 µs' if located else '0.5 µs'} for the engine",
        engine_ns=statistics.median(ours), baseline_ns=statistics.median(baselines), more_ns=more,
    )  # fmt: skip
