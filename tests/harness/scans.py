"""Proof that a program's scans went on: none missed, none late by a whole interval, no restart."""

import resource
import time
from pathlib import Path

CAP_SYS_NICE = 23


def real_time_is_granted():
    """Whether processes started here may have real-time scheduling, without which a busy machine can delay any scan."""
    status = Path("/proc/self/status").read_text()
    capabilities = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
    return bool(capabilities >> CAP_SYS_NICE & 1) or resource.getrlimit(resource.RLIMIT_RTPRIO)[1] > 0


class Scans:
    """Figures of the task of a program with one task, from `__init__` to `check`."""

    def __init__(self, api, interval=0.02):
        self.api, self.interval = api, interval
        self.before, self.since = self.sample()

    def sample(self):
        early = time.monotonic()
        stats = self.api.stats()
        late = time.monotonic()
        return stats, (early, late)

    def check(self, api=None):
        """`api`: the client to ask, where the first one's server is gone."""
        self.api = api or self.api
        after, until = self.sample()
        count = after["scan_count"] - self.before["scan_count"]
        missed = after["overruns"] - self.before["overruns"]
        # Each of the two counts was taken at some moment of its request.
        fewest = (until[0] - self.since[1]) / self.interval - 1
        most = (until[1] - self.since[0]) / self.interval + 1
        expected = f"{fewest:.1f} to {most:.1f} scans: {self.before} {after}"
        assert fewest <= count + missed <= most, f"{count} and {missed} missed instead of {expected}"
        if real_time_is_granted():
            assert missed == 0, f"{missed} scans were missed of {expected}"
            assert after["cycle_time_max"] < 2e6 * self.interval, f"a scan was late by a whole interval: {after}"
        else:
            assert missed <= 1 + most / 50, f"{missed} scans were missed of {expected}"
        return count
