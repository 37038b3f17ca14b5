"""The machine and the runtime that is measured."""

import os
import platform
import subprocess
import tempfile
import time
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
def launched(**settings):
    """A fresh runtime in a folder of its own; settings are texts of files of the administrator, such as `modbus_slave`."""
    with tempfile.TemporaryDirectory(prefix="openplc-bench-") as folder:
        runtime = Runtime(Path(folder) / "data")
        for name, text in settings.items():
            path = runtime.data / "etc" / f"{name.replace('_', '-')}.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
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


def thread_of(pid, name):
    """The thread of a process whose name begins so."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return next(int(thread.name) for thread in threads if (thread / "comm").read_text().startswith(name))


def usage(pid, thread):
    """Processor time (ns) that a thread has used, and how often it was given the processor."""
    used, _, times = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()
    return int(used), int(times)


def processor_per_wake_up(threads, seconds):
    """Processor time (ns) that each of these threads uses from one sleep to the next."""
    before = [usage(*thread) for thread in threads]
    time.sleep(seconds)
    after = [usage(*thread) for thread in threads]
    return [(late[0] - early[0]) / (late[1] - early[1]) for early, late in zip(before, after, strict=True)]


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
