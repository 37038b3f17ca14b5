"""Proof that a program's scans went on: none missed, none late by a whole interval, no restart.

The machine itself may stand still for longer than that. What the stall witness suffered is allowed to scans too, and not
more than that.
"""

import time


class Scans:
    """The scans of a program with one task, from `__init__` to a check."""

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
        after, count, missed, excused, facts = self.account()
        if not self.witness.is_real_time():
            # Nor can scans be, and a busy machine may delay any of them.
            assert missed <= 1 + (count + missed) / 50, f"{missed} scans were missed: {facts}"
            return count
        assert missed <= excused, f"{missed} scans were missed: {facts}"
        # The greatest cycle is that since the program's start: it is of this time if it has grown.
        longest = after["cycle_time_max"] / 1e6
        allowed = 2 * self.interval + max((stall.length for stall in self.stalls()), default=0)
        if after["cycle_time_max"] > (self.before["cycle_time_max"] or 0):
            assert longest < allowed, f"a scan came {1000 * longest:.1f} ms after the one before: {facts}"
        return count

    def check_phase(self):
        """Each deadline had its scan or was counted as missed. All that can be said where the interval is as short as a stall."""
        self.account()

    def check_mean_time(self, most):
        """In a scan of a program that was started meanwhile, in seconds."""
        stats = self.api.stats()
        stalls = self.stalls()
        total = stats["scan_time_avg"] / 1e6 * stats["scan_count"] - sum(stall.length for stall in stalls)
        if self.witness.is_real_time():
            assert total <= most * stats["scan_count"], f"more than {most} s: {stats}; {said(stalls)}"

    def account(self):
        after, until = self.sample()
        count = after["scan_count"] - self.before["scan_count"]
        missed = after["overruns"] - self.before["overruns"]
        stalls = self.stalls()
        excused = sum(self.deadlines_in(stall) for stall in stalls)
        # Each of the two counts was taken at some moment of its request, perhaps while scans were held up.
        fewest = (until[0] - self.since[1]) / self.interval - 1 - excused
        most = (until[1] - self.since[0]) / self.interval + 1 + excused
        facts = (
            f"{fewest:.1f} to {most:.1f} scans were expected; {said(stalls)}, which excuses {excused}; "
            f"before and after: {self.before} {after}"
        )
        assert fewest <= count + missed <= most, f"{count} scans and {missed} missed: {facts}"
        return after, count, missed, excused, facts

    def stalls(self):
        """Of the machine itself, until now; a scan may still be late from what was over when we began."""
        return self.witness.stalls(self.since[0] - self.interval, time.monotonic())

    def deadlines_in(self, stall):
        """How many scans it can have cost, the scan's own time included."""
        return int(stall.length / self.interval + 0.25)


def said(stalls):
    return f"the machine itself stood still for {', '.join(map(str, stalls)) or 'no time'}"


def check_mean_cycle(stats, interval=0.02):
    """The mean of all cycles is the time from the first scan to the last by their number, whatever single ones took."""
    cycles = stats["scan_count"] - 1
    passed = (cycles + stats["overruns"]) * interval * 1e6
    # The first and the last scan can have begun late, and those missed by the last are not behind it yet.
    uncertain = 2 * stats["cycle_latency_max"] + stats["scan_time_max"] + interval * 1e6
    assert abs(stats["cycle_time_avg"] * cycles - passed) <= uncertain, stats
    return stats
