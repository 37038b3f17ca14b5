"""Proof that a program's scans went on: none missed, none late by a whole interval, no restart."""

import time


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
        # Each of the two counts was taken at some moment of its request.
        fewest = (until[0] - self.since[1]) / self.interval - 1
        most = (until[1] - self.since[0]) / self.interval + 1
        assert fewest <= count <= most, f"{count} scans instead of {fewest:.1f} to {most:.1f}: {self.before} {after}"
        assert after["overruns"] == self.before["overruns"], f"scans were missed: {self.before} {after}"
        assert after["cycle_time_max"] < 2e6 * self.interval, f"a scan was late by a whole interval: {after}"
        return count
