"""The processes of this machine as /proc shows them."""

import ctypes
import os
import signal
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    name: str
    state: str

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def rss(self):
        """Resident memory in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def arguments(self):
        return Path(f"/proc/{self.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")


def adopt_orphans():
    """Makes this process the parent of descendants whose parent ends, so that none can hide."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def all_processes():
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path(f"/proc/{entry}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            try:
                executable = os.path.basename(os.readlink(f"/proc/{entry}/exe"))
            except OSError:
                executable = ""  # a zombie has no executable
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            found.append(Process(int(entry), int(rest[1]), executable or name, rest[0]))
    return found


def descendants(root):
    """Processes below the process `root`, zombies included."""
    children = {}
    for process in all_processes():
        children.setdefault(process.parent, []).append(process)
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += [process.pid for process in below]
    return found
