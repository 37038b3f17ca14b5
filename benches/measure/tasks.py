"""The most urgent of three tasks, beside what it is alone: both beside cyclictest in the same run. The tasks share a located
global variable, and each has an output of its own."""

import os
import statistics
from dataclasses import replace

from harness.strucpp import Pou, Program, Task, Variable, bundle
from measure import cyclictest
from measure.control_socket import ControlSocket
from measure.figures import percentile_of
from measure.system import thread_of

CPU = 1
PERCENTILES = (50, 99)
BUSY_MS = 60

# `PHASE` is when the first scan began, in nanoseconds after a full millisecond of the monotonic clock.
FAST = """
    if (SCANS == 0) {
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        PHASE = static_cast<UDINT_t>(now.tv_nsec % 1000000);
    }
    SCANS = SCANS + 1;
    OUT = OUT + 1;
    $TOTAL := $TOTAL + 1;
"""
SLOW = f"""
    timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {{
        clock_gettime(CLOCK_MONOTONIC, &now);
    }} while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < {BUSY_MS} * 1000000LL);
    SCANS = SCANS + 1;
    OUT = OUT + 1;
    $TOTAL := $TOTAL + 1;
"""
COUNTER = Variable("SCANS", "UDINT")
SHARED = Variable("TOTAL", "UDINT", location="%QD0")


def out(number):
    return Variable("OUT", "UINT", location=f"%QW{number}")


THREE = Program(
    "three_tasks",
    [
        Pou("FAST_PROGRAM", [COUNTER, out(0), Variable("PHASE", "UDINT")], FAST, (SHARED.name,)),
        Pou("MIDDLE_PROGRAM", [COUNTER, out(1)], "    SCANS = SCANS + 1;\n    OUT = OUT + 1;\n"),
        Pou("SLOW_PROGRAM", [COUNTER, out(2)], SLOW, (SHARED.name,)),
    ],
    [
        Task("FAST", 1_000_000, 0, [("FAST0", "FAST_PROGRAM")]),
        Task("MIDDLE", 10_000_000, 1, [("MIDDLE0", "MIDDLE_PROGRAM")]),
        Task("SLOW", 100_000_000, 2, [("SLOW0", "SLOW_PROGRAM")]),
    ],
    [SHARED],
)
ONE = replace(THREE, name="one_task", pous=THREE.pous[:1], tasks=THREE.tasks[:1])


def run(runtime, api, core, program, seconds):
    """Percentiles of the most urgent task and of cyclictest, in ns. All are on one processor: the hardest case."""
    api.deploy(program.zip(), timeout=300)
    core.restart()
    pid = runtime.process("openplc-core").pid
    for number in range(len(api.stats()["tasks"])):
        os.sched_setaffinity(thread_of(pid, f"scan-{number}"), {CPU})
    compared = cyclictest.compare(core, pid, round(seconds * 1000), CPU, unit_ns=1000)
    return {
        percent: (percentile_of(compared.engine, percent), percentile_of(compared.baseline, percent))
        for percent in PERCENTILES
    }


def beside_slower_ones(figures, runtime, rounds, seconds):
    """One task and three in turns, so that both see the same moods of the machine."""
    api = runtime.login()
    core = ControlSocket(runtime.data / "run" / "plc_runtime.socket")
    programs = {"alone": bundle(ONE), "of three": bundle(THREE)}
    runs = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(run(runtime, api, core, program, seconds))
    for percent in PERCENTILES:
        excess = {name: [ours - base for ours, base in (r[percent] for r in found)] for name, found in runs.items()}
        more = statistics.median(
            three - one for one, three in zip(excess["alone"], excess["of three"], strict=True)
        )
        columns = {
            name: [statistics.median(r[percent][side] for r in found) / 1000 for side in (0, 1)]
            for name, found in runs.items()
        }
        figures.add(
            f"p{percent} of a 1 ms task beside tasks of 10 ms and of 100 ms that is busy for {BUSY_MS} ms",
            f"{more / 1000:+.1f} µs",
            "; ".join(f"{name} {ours:.1f} µs, cyclictest {base:.1f} µs" for name, (ours, base) in columns.items()),
            "≤ +10 µs at p99" if percent == 99 else "",
            more_ns=more,
            runs={name: [r[percent] for r in found] for name, found in runs.items()},
        )
