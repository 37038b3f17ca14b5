"""Everything that happens in a guest: the runtime as a user starts it, one load, the engine beside cyclictest."""

import json
import os
import subprocess
import time
from pathlib import Path

from loads import LOADS
from measure import cyclictest
from measure.control_socket import ControlSocket
from measure.system import memory

DATA = Path("/data")
SOCKET = DATA / "run" / "plc_runtime.socket"
SETTLE = 0.5


def parameters():
    words = Path("/proc/cmdline").read_text().split()
    return dict(word.removeprefix("lab.").split("=", 1) for word in words if word.startswith("lab."))


def connected(launcher):
    while launcher.poll() is None:
        try:
            core = ControlSocket(SOCKET)
            core.request("ping")
            return core
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the launcher ended with {launcher.returncode}")


def memory_of_processes():
    """Resident and locked bytes of each of our processes."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (name := (folder / "comm").read_text().strip()).startswith("openplc-"):
            status = (folder / "status").read_text()
            locked = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmLck")), 0)
            found[name] = {"resident": memory(int(folder.name))[0], "locked": locked * 1024}
    return found


def measure(load, scans):
    launcher = subprocess.Popen(["openplc-launcher", "--data", DATA, "--listen", "127.0.0.1:8443"])
    core = connected(launcher)
    core.load(Path("/lab/wake_ups.so").read_bytes(), Path("/lab/wake_ups.json").read_bytes())
    with LOADS[load]():
        time.sleep(SETTLE)
        # Or it would take minutes under load until cyclictest starts.
        os.nice(-20)
        core.restart()
        with cyclictest.beside(core.value(".PHASE"), scans) as (_, histogram):
            baseline = histogram()
        task = core.task()
    return {
        "real_time": core.request("status")["real_time"],
        "task": task,
        "cyclictest": baseline,
        "memory": memory_of_processes(),
        "kernel": Path("/proc/version").read_text().strip(),
        "guest_seconds": time.monotonic(),
    }


def main():
    given = parameters()
    result = measure(given["load"], int(given["scans"]))
    print("\nLAB-RESULT " + json.dumps(result), flush=True)


main()
