"""The machine and the runtime that is measured."""

import os
import platform
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness.runtime import REPOSITORY, Runtime, bring_to_an_end


def require(*commands):
    """Tools of Debian that a measurement needs, as COMMAND=PACKAGE; installed where we may do that."""
    subprocess.run([REPOSITORY / "tools" / "require", *commands], check=True)


def machine():
    """What a reader of the figures has to know."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


@contextmanager
def launched():
    """A fresh runtime in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="openplc-bench-") as folder:
        runtime = Runtime(Path(folder) / "data")
        try:
            yield runtime.start()
        finally:
            bring_to_an_end(runtime)


def processor_seconds(pid):
    """Processor time of all threads of a process, from the scheduler's own account in nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass  # the thread has ended
    return total / 1e9


def memory(pid):
    """Resident and proportional memory of a process in bytes."""
    figures = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("Rss", "Pss"):
            figures[name] = int(value.split()[0]) * 1024
    return figures["Rss"], figures["Pss"]


def file_below(folder, *suffixes):
    """The first file below `folder` whose name ends in one of `suffixes`."""
    return next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.endswith(suffixes))
