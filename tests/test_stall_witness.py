"""The proof itself: a stall of the machine excuses scans, a stall of the runtime does not."""

import os
import signal
import time

import pytest

from harness.scans import Scans
from harness.stall_witness import ADJACENT, Stall
from harness.waiting import wait_until

STATS = {"scan_count": 1000, "overruns": 0, "cycle_time_max": 20_100}


class Api:
    def __init__(self):
        self.said = dict(STATS)

    def stats(self):
        return dict(self.said)


class Witness:
    def __init__(self, *stalls):
        self.seen = list(stalls)

    def stalls(self, since, until):
        return self.seen

    def is_real_time(self):
        return True


def check(stalls=(), **changes):
    """As if 10 s passed between the two looks at the figures."""
    api = Api()
    scans = Scans(api, Witness(*stalls))
    scans.since = tuple(moment - 10 for moment in scans.since)
    api.said |= {"scan_count": 1500, **changes}
    return scans.check()


def stall(milliseconds):
    return Stall(100.0, 100.0 + milliseconds / 1000)


def test_scans_without_fault():
    assert check() == 500


@pytest.mark.parametrize(
    "fault",
    [{"scan_count": 1499, "overruns": 1}, {"scan_count": 1480}, {"scan_count": 1520}, {"cycle_time_max": 40_300}],
)
def test_what_the_witness_did_not_suffer_is_a_fault(fault):
    with pytest.raises(AssertionError, match="stood still for no time"):
        check(**fault)
    with pytest.raises(AssertionError, match=r"stood still for 0\.1 ms"):
        check([stall(0.1)] * 10, **fault)


def test_what_the_witness_suffered_is_excused_and_no_more():
    long = [stall(55)]
    check(long, scan_count=1497, overruns=3, cycle_time_max=94_000)
    with pytest.raises(AssertionError, match="4 scans were missed.*55.0 ms"):
        check(long, scan_count=1496, overruns=4)
    with pytest.raises(AssertionError, match=r"95\.1 ms after"):
        check(long, cycle_time_max=95_100)


def test_a_greatest_cycle_of_before_is_not_of_this_time():
    api = Api()
    api.said["cycle_time_max"] = 70_000
    scans = Scans(api, Witness())
    scans.since = tuple(moment - 10 for moment in scans.since)
    api.said["scan_count"] = 1500
    scans.check()


def test_a_core_that_is_held_misses_scans(runtime, api, programs, witness):
    """The witness is not held: nothing excuses them."""
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 5, "the first scans")
    scans = Scans(api, witness)
    core = runtime.process("openplc-core")
    os.kill(core.pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(core.pid, signal.SIGCONT)
    wait_until(lambda: api.stats()["overruns"] > scans.before["overruns"], "the missed scans")
    with pytest.raises(AssertionError, match="scans were missed"):
        scans.check()


def test_the_witness_notices_that_it_is_held(witness):
    if not witness.is_real_time():
        pytest.skip("it has no real-time priority here")
    member = witness.members[0]
    os.kill(member.process.pid, signal.SIGSTOP)
    start = time.monotonic()
    time.sleep(0.05)
    end = time.monotonic()
    os.kill(member.process.pid, signal.SIGCONT)
    (found,) = [s for s in witness.stalls(start, time.monotonic()) if s.length > end - start - ADJACENT]
    assert found.start < start + ADJACENT and found.end > end - ADJACENT
