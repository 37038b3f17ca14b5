"""Everything that happens in a guest: the runtime as a user starts it, one load, the engine beside cyclictest."""

import json
import os
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

from harness.processes import all_processes
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


def pid_of(name):
    return next(process.pid for process in all_processes() if process.name == name)


def memory_of_processes():
    """Resident and locked bytes of each of our processes."""
    found = {}
    for name in ("openplc-launcher", "openplc-api", "openplc-core"):
        pid = pid_of(name)
        status = Path(f"/proc/{pid}/status").read_text()
        locked = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmLck")), 0)
        found[name] = {"resident": memory(pid)[0], "locked": locked * 1024}
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
        run = cyclictest.compare(core, pid_of("openplc-core"), scans)
    return {
        "real_time": core.request("status")["real_time"],
        **asdict(run),
        "memory": memory_of_processes(),
        "guest_seconds": time.monotonic(),
    }


def main():
    given = parameters()
    result = measure(given["load"], int(given["scans"]))
    print("\nLAB-RESULT " + json.dumps(result), flush=True)


main()
