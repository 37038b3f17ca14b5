"""What the kernel says of a process."""

import os
from pathlib import Path

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
CAP_SYS_NICE = 1 << 23


def kernel_says(process):
    """Each thread's /proc status as a dictionary."""
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def assert_confined(process, bounds=CAP_SYS_NICE):
    for status in kernel_says(process):
        assert "0" not in status["Uid"].split() + status["Gid"].split(), f"{process} is root: {status}"
        assert "0" not in status["Groups"].split(), f"{process} is in root's group: {status}"
        capabilities = {name: int(status[name], 16) for name in CAPABILITY_SETS}
        assert not any(capabilities.values()), f"{process} has capabilities: {capabilities}"
        assert int(status["CapBnd"], 16) in (0, bounds), f"{process} may get capabilities: {status['CapBnd']}"
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status


def network(process):
    return os.readlink(f"/proc/{process.pid}/ns/net")


def user(process):
    return int(next(kernel_says(process))["Uid"].split()[0])
