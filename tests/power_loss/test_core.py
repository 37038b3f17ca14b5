"""The scan engine after a loss of power, at any moment of a working day."""

import itertools
import os
import signal
import statistics
import struct
import time
from dataclasses import dataclass

import pytest
from harness.waiting import wait_until
from power_loss.core import BLOCK, Core, Program
from power_loss.disk import Disk, after_every_cut
from power_loss.trace import Recorder, can_trace, end

CUTS = int(os.environ.get("OPENPLC_POWER_CUTS", "60"))
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not can_trace(), reason="strace may not trace here: losses of power are not tested"),
]
# Where values stand in the file: in the first slot, behind the sequence, two times, and two checksums.
SLOT = 4096
VALUES = 32
# The engine's default: values on disk are that old at most.
PROMISED_MS = 100


@dataclass
class Stage:
    """What the PLC was last commanded, from the time of the command; it is promised from the time of its answer."""

    asked: float
    answered: float
    program: str | None
    run: bool
    # What the counter must be, where it stands still.
    counter: int | None = None


class Day:
    """What the PLC is commanded, and what it promises."""

    def __init__(self, folder):
        self.state, self.run = folder / "state", folder / "run"
        self.state.mkdir()
        self.recorder = Recorder(self.state, folder / "trace")
        self.stages = [Stage(0.0, 0.0, None, False)]
        self.core = None

    def start(self):
        self.core = Core(self.state, self.run, self.recorder.start).wait_until_ready()
        self.client = self.core.connect()

    def end(self, how):
        end(self.core.process, "openplc-core", how)
        self.client.close()
        self.core.close()

    def command(self, program, run, request, *arguments):
        stage = Stage(time.time(), 0.0, program, run)
        self.stages.append(stage)
        answer = request(*arguments)
        assert answer == {"answer": "done"}, answer
        stage.answered = time.time()
        return stage

    def load(self, program):
        self.command(program.identity, True, self.client.load, program)

    def stop(self):
        # The counter stands still from the answer on.
        stage = self.command(self.stages[-1].program, False, self.client.ask, {"request": "stop"})
        stage.counter, _ = self.client.counter()

    def begin(self, request="start"):
        self.command(self.stages[-1].program, True, self.client.ask, {"request": request})

    def running(self):
        wait_until(lambda: self.client.status()["state"] == "RUNNING", "the program to run", 60)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    day = Day(tmp_path_factory.mktemp("day"))
    first, second, third = Program.build(1), Program.build(2), Program.build(3, "-DCRASHES_AT_ONCE")
    day.crashing = third.identity
    day.start()
    day.load(first)
    for _ in range(10):
        day.client.stored()
    day.stop()
    day.begin()
    day.client.stored()
    day.load(second)
    for _ in range(10):
        day.client.stored()
    day.end(signal.SIGKILL)
    day.start()
    day.running()
    day.client.stored()
    day.stop()
    day.begin("cold_start")
    day.client.stored()
    # Its first scans end the process. The one before takes its place again.
    asked = time.time()
    try:
        day.client.load(third)
    except (AssertionError, OSError):
        pass
    day.core.process.wait(timeout=60)
    day.client.close()
    day.core.close()
    day.start()
    day.running()
    assert day.client.status()["program"]["program"] == second.identity
    # From asking to here it may be the one or the other.
    day.stages += [Stage(asked, float("inf"), third.identity, True), Stage(asked, time.time(), second.identity, True)]
    day.client.stored()
    day.stop()
    day.end(signal.SIGTERM)
    return day


@pytest.fixture(scope="module")
def disk(day, tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("empty"), day.recorder.operations())


@pytest.fixture(scope="module")
def ages():
    """How old the retained value on disk was at each cut in which the PLC was running, in ms."""
    ages = []
    yield ages
    if ages:
        print(f"\nretained values at {len(ages)} cuts: median {statistics.median(ages):.0f} ms old, most {max(ages):.0f} ms")


def test_what_is_on_disk_gets_no_older_than_promised(day):
    """Until newer values are safe, by the program's own clock, which counts a scan each millisecond. The engine adapts to a slow
    disk, and a tracer makes it one, so what single writes take is no fault."""
    ages, writes = [], []
    for old, new in itertools.pairwise(kept(day)):
        undisturbed = all(stage.answered < old.taken or stage.asked > new.safe for stage in day.stages[1:])
        if undisturbed and stages(day, old.taken)[0].run and old.instance == new.instance:
            writes.append(1000 * (new.safe - new.taken))
            ages.append(new.counter - old.counter + writes[-1])
    assert len(ages) >= 10
    told = [f"{statistics.median(figures):.0f} ms, most {max(figures):.0f} ms" for figures in (ages, writes)]
    print(f"\nretained values when newer ones were on disk: {told[0]}; of which the traced writes: {told[1]}")
    assert statistics.median(ages) <= PROMISED_MS, (ages, writes)


@dataclass
class Kept:
    """Values that were written: when they were taken, when they were safe, and the counter among them."""

    instance: int
    taken: float
    safe: float
    counter: int


def kept(day):
    instance, written = 0, None
    for operation in day.recorder.operations():
        if "retain" in (operation.path, operation.target) and operation.kind in ("create", "rename"):
            instance += 1
        elif operation.path == "retain" and operation.kind == "write" and operation.offset:
            (taken,) = struct.unpack_from("<Q", operation.data, 8)
            (counter,) = struct.unpack_from("<I", operation.data, VALUES)
            written = Kept(instance, taken / 1000, 0.0, counter)
        elif operation.path == "retain" and operation.kind == "sync" and written:
            written.safe = operation.ended
            yield written
            written = None


def test_it_begins_again_after_every_cut(day, disk, ages, tmp_path):
    def judge_cut(seen, cut):
        judge(seen, day, cut)
        ages.extend(age(day, cut))

    after_every_cut(disk, CUTS, tmp_path, lambda folder: observe(folder, day.crashing), judge_cut)


@dataclass
class Seen:
    """What a scan engine said of itself."""

    state: str
    program: str | None
    counter: int | None


def observe(folder, crashing):
    """Begins on what is left, and once more when the program that crashes has ended it, as a service manager does."""
    commanded = folder / "state/commanded.json"
    may_crash = commanded.exists() and f'"current": "{crashing}"' in commanded.read_text()
    core = Core(folder / "state", folder / "run")
    try:
        core.wait_until_ready()
        client = core.connect()
        status = client.status()
        seen = Seen(status["state"], status["program"] and status["program"]["program"], None)
        if seen.program:
            counter, began_with = client.counter()
            seen.counter = began_with if seen.state == "RUNNING" else counter
        client.close()
        return seen
    except (OSError, AssertionError) as error:
        if may_crash and core.has_crashed():
            return observe(folder, crashing)
        raise AssertionError(f"{error}\n{core.said()}") from error
    finally:
        core.kill()


def judge(seen, day, cut):
    possible = stages(day, cut.now)
    found = [stage for stage in possible if (seen.program, seen.state) == (stage.program, expected_state(stage))]
    assert found, f"{seen}, but one of these: {possible}"
    if seen.program is None:
        return
    allowed = {value for name in ("retain", "retain.before") for value in values(cut, name)}
    if "retain" not in cut.contents:
        allowed.add(0)
    assert seen.counter in allowed, f"{seen}, but the counter was one of these: {sorted(allowed)[-10:]}"
    if seen.counter:
        assert is_whole(cut, seen.counter), f"{seen}, but not all values are of that scan"
    # Where the PLC was stopped the answer says that everything is on disk.
    if len(possible) == 1 and found[0].counter is not None:
        assert seen.counter == found[0].counter


def is_whole(cut, counter):
    """Whether a file has the counter's value together with all others of its scan."""
    values = struct.pack("<I", counter) + bytes([counter & 0xFF]) * BLOCK
    return any(values in cut.contents.get(name, b"") for name in ("retain", "retain.before"))


def values(cut, name):
    """What the counter may be, of all that was written to a file: what was on disk for sure, or anything newer."""
    found = []
    for change in cut.begun(cut.inodes[name]) if name in cut.inodes else []:
        # A new file is written as a whole.
        at = VALUES if change.offset else SLOT + VALUES
        if len(change.data) >= at + 4:
            if cut.is_safe(change):
                found.clear()
            found.append(struct.unpack_from("<I", change.data, at)[0])
    return found


def stages(day, now):
    """What may be: what was promised last, or what was asked for since."""
    promised = max(number for number, stage in enumerate(day.stages) if stage.answered <= now)
    return [day.stages[promised], *(stage for stage in day.stages[promised + 1 :] if stage.asked <= now)]


def expected_state(stage):
    return "EMPTY" if stage.program is None else "RUNNING" if stage.run else "STOPPED"


def age(day, cut):
    """How old the value on disk was."""
    inode = cut.inodes.get("retain")
    if inode and day.stages and stages(day, cut.now)[-1].run:
        taken = [struct.unpack_from("<Q", change.data, 8)[0] for change in inode.changes
                 if change.offset and change.synced is not None and cut.is_safe(change)]  # fmt: skip
        if taken:
            yield cut.now * 1000 - taken[-1]
