"""Proof that a program's scans went on: none missed, none late by a whole interval, no restart.

The machine itself may stand still for longer than that. What the stall witness suffered is allowed to scans too, and not
more than that.
"""

import time


class Scans:
    """Figures of the task of a program with one task, from `__init__` to `check`."""

    def __init__(self, api, witness, interval=0.02):
        self.api, self.witness, self.interval = api, witness, interval
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
        # A scan may still be late from what was over when we began.
        stalls = self.witness.stalls(self.since[0] - self.interval, until[1])
        excused = sum(self.deadlines_in(stall) for stall in stalls)
        # Each of the two counts was taken at some moment of its request, perhaps while scans were held up.
        fewest = (until[0] - self.since[1]) / self.interval - 1 - excused
        most = (until[1] - self.since[0]) / self.interval + 1 + excused
        facts = (
            f"{fewest:.1f} to {most:.1f} scans were expected; the machine itself stood still for "
            f"{', '.join(map(str, stalls)) or 'no time'}, which excuses {excused}; before and after: {self.before} {after}"
        )
        assert fewest <= count + missed <= most, f"{count} scans and {missed} missed: {facts}"
        if not self.witness.is_real_time():
            # Nor can scans be, and a busy machine may delay any of them.
            assert missed <= 1 + most / 50, f"{missed} scans were missed: {facts}"
            return count
        assert missed <= excused, f"{missed} scans were missed: {facts}"
        # The greatest cycle is that since the program's start: it is of this time if it has grown.
        longest = after["cycle_time_max"] / 1e6
        allowed = 2 * self.interval + max((stall.length for stall in stalls), default=0)
        if after["cycle_time_max"] > (self.before["cycle_time_max"] or 0):
            assert longest < allowed, f"a scan came {1000 * longest:.1f} ms after the one before: {facts}"
        return count

    def deadlines_in(self, stall):
        """How many scans it can have cost, the scan's own time included."""
        return int(stall.length / self.interval + 0.25)
