"""A build against what nobody can avoid: its slowest unit, compiled alone, and the link."""

import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from measure.deploy import fresh, upload_to_running
from measure.figures import milliseconds

# The unit that a whole MatIEC program is one of, and the plainest way to compile it.
LARGEST_UNIT = "Res0.c"
UNIT_TIME = re.compile(r"\[INFO\] (\S+): ([\d.]+) s$")


def alone(bundle, level):
    """Seconds that gcc takes for the largest unit when it has the machine for itself."""
    with tempfile.TemporaryDirectory(prefix="openplc-bench-") as folder:
        for name, content in bundle.files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        begin = time.perf_counter()
        subprocess.run(
            ["gcc", "-w", level, "-fPIC", "-I.", "-Ilib", "-c", LARGEST_UNIT, "-o", "unit.o"], cwd=folder, check=True
        )
        return time.perf_counter() - begin


def against_the_compiler(figures, runtime, bundle, rounds=3):
    api = runtime.login()
    totals, builds = zip(*(upload_to_running(api, fresh(bundle)) for _ in range(rounds)), strict=True)
    units = [dict(match.groups() for line in build.logs if (match := UNIT_TIME.match(line))) for build in builds]
    slowest = [max(float(seconds) for name, seconds in unit.items() if name != "Linked") for unit in units]
    link = [float(unit["Linked"]) for unit in units]
    floor = statistics.median(a + b for a, b in zip(slowest, link, strict=True))
    total = statistics.median(totals)
    figures.add(
        "build of the large program, upload to RUNNING",
        f"p50 {milliseconds(total)}",
        f"its slowest unit and the link {milliseconds(floor)}, × {total / floor:.2f}; gcc -O1 {LARGEST_UNIT} alone "
        f"{milliseconds(alone(bundle, '-O1'))}",
        total_s=total, slowest_unit_and_link_s=floor,
    )  # fmt: skip
