"""cyclictest, the measure of a kernel's wake-up latency, beside a task of the engine."""

import json
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

PRIORITY = 80
PERIOD_US = 1000
# Latencies (ns) that are counted one by one; of later ones only the greatest is known.
COUNTED = 999_999


@contextmanager
def beside(phase_ns, cycles, cpu=None):
    """The same priority and period as the task whose deadlines are at this phase, half a period later. Gives the
    process and a function that waits for its end and returns how often each latency (ns) occurred."""
    offset = (phase_ns // 1000 + PERIOD_US // 2) % PERIOD_US
    with tempfile.TemporaryDirectory(prefix="openplc-cyclictest-") as folder:
        result = Path(folder) / "result.json"
        process = subprocess.Popen(
            [
                "cyclictest",
                *("--mlockall", "--quiet", "--nsecs", f"--priority={PRIORITY}", f"--interval={PERIOD_US}"),
                *(f"--loops={cycles}", f"--secaligned={offset}", f"--histogram={COUNTED}", f"--json={result}"),
                *([] if cpu is None else [f"--affinity={cpu}"]),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def histogram():
            if process.wait():
                raise RuntimeError(f"cyclictest ended with {process.returncode}")
            return read(json.loads(result.read_text())["thread"]["0"])

        try:
            yield process, histogram
        finally:
            process.kill()
            process.wait()


def read(thread):
    counted = {int(latency): count for latency, count in thread["histogram"].items()}
    beyond = thread["cycles"] - sum(counted.values())
    if beyond:
        counted[thread["max"]] = beyond
    return counted
