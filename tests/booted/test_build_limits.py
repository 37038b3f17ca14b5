"""Each limit of a build, reached: the build fails and its log says why, scans go on, and the next build is made."""

import re
import socket
from contextlib import ExitStack, contextmanager

import pytest

from harness.programs import slow_to_compile
from harness.scans import Scans
from harness.waiting import wait_until

from booted.drop_in import drop_in

UNIT = "openplc-compile@.service"
# What the unit allows: less than any build needs, but for time. And what the build log says then.
LIMITS = {
    "memory": ("MemoryMax=10M", "most likely because memory ran out|not enough memory"),
    "tasks": ("TasksMax=5", "cannot be started|[Rr]esource temporarily unavailable"),
    "time": ("RuntimeMaxSec=2s", "was killed"),
    "size of a file": ("LimitFSIZE=16K", "cannot write its files"),
}
OF_CONTROL_GROUPS = ("memory", "tasks")


@pytest.fixture
def scans(plant, api, programs, witness):
    """Those of a program, before the test and after it; and builds work then."""
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    yield Scans(api, witness)
    assert api.state() == "RUNNING"
    wait_until(lambda: not plant.started("openplc-compile"), "the end of all builds")
    assert built(api, programs.blink).status == "SUCCESS"


def built(api, bundle):
    assert api.upload(bundle.zip(), clean=True).status == 200
    return api.follow_build()


def fails(api, bundle, pattern):
    build = built(api, bundle)
    assert build.status == "FAILED" and re.search(pattern, build.logs[-1]), build


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_the_unit(plant, api, programs, scans, limit):
    if limit in OF_CONTROL_GROUPS and plant.machine.memory_limit("openplc-api.service") is None:
        pytest.skip("this system has no control groups for that in a container")
    setting, told = LIMITS[limit]
    bundle = slow_to_compile(programs.blink, amount=400) if limit == "time" else programs.blink
    with drop_in(plant.machine, UNIT, setting):
        fails(api, bundle, told)
    scans.check()
    wait_until(lambda: not plant.machine.processes("cc1plus"), "the end of the compiler")


def test_as_many_builds_as_allowed(plant, api, programs, scans):
    allowed = int(plant.machine.properties("openplc-compile.socket", "MaxConnections")["MaxConnections"])
    with ExitStack() as held:
        for _ in range(allowed):
            connection = held.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(str(plant.machine.path_of_init("/run/runtime/compile.socket")))
        wait_until(lambda: len(plant.started("openplc-compile")) == allowed, "that many builds")
        fails(api, programs.blink, "MaxConnections=")
        scans.check()


@contextmanager
def full(machine, folder):
    """Leaves a file system in memory a few kilobytes."""
    words = machine.output("findmnt", "--noheadings", "--output=OPTIONS", folder)
    before = next((word for word in words.split(",") if word.startswith("size=")), "size=50%")
    used = int(machine.output("df", "--output=used", "--block-size=1K", folder).split()[-1])
    machine.run("mount", "-o", f"remount,size={used + 64}k", folder)
    try:
        yield
    finally:
        machine.run("mount", "-o", f"remount,{before}", folder)


def test_no_space_for_its_files(plant, api, programs, scans):
    with full(plant.machine, "/run"):
        fails(api, slow_to_compile(programs.blink), "cannot write its files|did not begin")
    scans.check()
