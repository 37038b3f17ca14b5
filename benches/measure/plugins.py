"""The scans beside a plugin that misbehaves in every way that it can: wake-up latency of a task of 1 ms beside cyclictest, with no plugin
but the Modbus slave and with a hostile one, in turns."""

import os
import statistics
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import modbus
from harness.modbus import connected
from harness.plugins import Administrator, wait_for
from harness.runtime import REPOSITORY, free_port
from measure.figures import milliseconds, percentile
from measure.modbus import reads
from measure.wake_up import PERCENTILES, Task, both

SOURCE = REPOSITORY / "tests" / "plugins" / "hostile.c"
INCLUDE = REPOSITORY / "crates" / "openplc-plugin-abi" / "include"
# What the plugin is told, by what it then does.
MODES = {
    "quiet": None,
    "holds every lock that it can reach": "hang",
    "crashes in a loop": "crash",
    "floods its journal": "flood",
    "floods journal and log": "flood logs",
    "eats its memory": "eat all",
}


@contextmanager
def hostile():
    """The shared object."""
    with tempfile.TemporaryDirectory(prefix="openplc-hostile-") as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "hostile.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", f"-I{INCLUDE}", SOURCE, "-o", path, "-lpthread"], check=True)
        yield path


def misbehaviour(figures, runtime, rounds, seconds):
    administrator, port = Administrator(runtime), free_port()
    runs = {name: [] for name in MODES}
    answers = {name: [] for name in MODES}
    with hostile() as path:
        task = Task(runtime, conf={"modbus_slave": modbus.slave_file(port)})
        for _ in range(rounds):
            for name, mode in MODES.items():
                lines = [] if mode is None else [f"hostile,{path},1,1,hostile.json"]
                administrator.write(*lines, hostile={"mode": mode})
                # Which starts the PLC anew, and with it the plugins.
                runs[name].append(both(task, seconds))
                wait_for(runtime, task.api, "modbus_slave")
                connected(port).close()
                latencies, _ = reads(port, 1, seconds / 2, pause=0.001)
                answers[name].append(percentile(latencies, 99))
    quiet = runs["quiet"]
    for name, measured in runs.items():
        excess = {
            percent: [(ours - base) / 1000 for ours, base in (run[percent] for run in measured)]
            for percent in PERCENTILES
        }
        middle = {percent: statistics.median(values) for percent, values in excess.items()}
        before = {
            percent: statistics.median((ours - base) / 1000 for ours, base in (run[percent] for run in quiet))
            for percent in PERCENTILES
        }
        columns = {
            percent: [statistics.median(run[percent][side] for run in measured) / 1000 for side in (0, 1)]
            for percent in PERCENTILES
        }
        figures.add(
            f"wake-up of a 1 ms task, a plugin: {name}",
            ", ".join(f"p{percent} {ours:.1f} µs" for percent, (ours, _) in columns.items())
            + f"; the Modbus slave answers within {milliseconds(statistics.median(answers[name]))} at p99",
            ", ".join(
                f"p{percent} {base:.1f} µs ({middle[percent]:+.1f}, in quiet {before[percent]:+.1f})"
                for percent, (_, base) in columns.items()
            ),
            "over cyclictest as in quiet",
            runs=[{f"p{percent}_ns": sides for percent, sides in run.items()} for run in measured],
            answers_p99_ms=[value * 1000 for value in answers[name]],
        )
