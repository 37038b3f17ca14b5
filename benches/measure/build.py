"""A build against what nobody can avoid: its units, spread over the cores, and the link."""

import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from measure.deploy import fresh, upload_to_running
from measure.figures import milliseconds

# The one unit that nearly all of a MatIEC program is, if it is compiled in the plainest way.
LARGEST_UNIT = "Res0.c"
UNIT_TIME = re.compile(r"\[INFO\] (.+): ([\d.]+) s$")


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


def against_the_compiler(figures, runtime, bundle, rounds):
    """The large program, from upload to RUNNING."""
    api = runtime.login()
    totals, builds = zip(*(upload_to_running(api, fresh(bundle)) for _ in range(rounds)), strict=True)
    floors = []
    for build in builds:
        units = [match.groups() for line in build.logs if (match := UNIT_TIME.match(line.strip()))]
        seconds = [float(seconds) for name, seconds in units if name != "Linked"]
        link = sum(float(seconds) for name, seconds in units if name == "Linked")
        floors.append(max(max(seconds), sum(seconds) / os.cpu_count()) + link)
    floor, total = statistics.median(floors), statistics.median(totals)
    whole = alone(bundle, "-O1")
    figures.add(
        "upload to RUNNING, large (5,320 variables, 300 blocks)",
        f"p50 {milliseconds(total)}",
        f"its units spread over the cores, and the link {milliseconds(floor)}, × {total / floor:.2f}; "
        f"gcc -O1 {LARGEST_UNIT} alone {milliseconds(whole)}",
        "≤ 10 s",
        "29 to 37 s",
        total_s=total, units_and_link_s=floor, unit_alone_s=whole,
    )  # fmt: skip
