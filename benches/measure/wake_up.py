"""Wake-up latency and processor time of a task of 1 ms beside cyclictest: same priority, same period, same processor,
half a period apart."""

import json
import os
import statistics
from contextlib import nullcontext

from harness.programs import Programs
from measure import cyclictest, loads
from measure.control_socket import ControlSocket
from measure.figures import percentile_of
from measure.programs import wake_ups
from measure.system import thread_of

CPU = 1
PERCENTILES = (50, 99)


class Task:
    """A running task of 1 ms: its core, its thread, its figures. `conf` has configurations of plugins, by name."""

    def __init__(self, runtime, located=0, conf=None):
        self.api = runtime.login()
        self.port = runtime.port
        program = wake_ups(located)
        for name, document in (conf or {}).items():
            program = program.with_file(f"conf/{name}.json", json.dumps(document).encode())
        self.api.deploy(program.zip(), timeout=300)
        self.core = ControlSocket(runtime.data / "run" / "plc_runtime.socket")
        self.pid = runtime.process("openplc-core").pid

    def restart(self):
        """From the first scan on, on the one processor that cyclictest has too."""
        self.core.restart()
        os.sched_setaffinity(thread_of(self.pid, "scan-0"), {CPU})


def both(task, seconds):
    """One run: each percentile of the engine and of cyclictest, in ns."""
    task.restart()
    run = cyclictest.compare(task.core, task.pid, round(seconds * 1000), CPU, unit_ns=1000)
    return {
        percent: (percentile_of(run.engine, percent), percentile_of(run.baseline, percent)) for percent in PERCENTILES
    }


def beside_cyclictest(figures, runtime, rounds, seconds):
    """Idle and loaded in turns, so that both see the same moods of the machine. Many short runs rather than a few long ones: a
    single stall of a virtual machine is p99 of the run in which it happens, and the median is over runs."""
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
                runs[name].append(both(task, seconds))
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


def overhead(figures, runtime, located, rounds, seconds):
    """Processor time of a scan of a program that does nothing, with the kernel's part of sleeping and waking up, beside
    that of cyclictest, which does nothing else."""
    task = Task(runtime, located)
    differences, ours, baselines = [], [], []
    for _ in range(rounds):
        task.restart()
        run = cyclictest.compare(task.core, task.pid, round(seconds * 1000), CPU, unit_ns=1000)
        engine, baseline = run.engine_processor, run.baseline_processor
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
