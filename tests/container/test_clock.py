"""The clock jumps by an hour while a container scans.

It has the computer's clock, which a test may not set, so a preloaded library moves the time of day in all of its processes.
"""

import subprocess

import pytest

from harness.runtime import REPOSITORY
from harness.scans import Scans
from harness.waiting import wait_until

HOUR = 3600


@pytest.fixture
def clock(container, tmp_path):
    """A file that says how far the clock is ahead, in seconds."""
    folder = tmp_path / "clock"
    folder.mkdir()
    folder.chmod(0o755)
    source = REPOSITORY / "tests" / "booted" / "wrong_clock.c"
    library = folder / "wrong_clock.so"
    build = ["gcc", "-O1", "-shared", "-fPIC", '-DWRONG_BY="/clock/ahead"', "-o", library, source]
    subprocess.run(build, check=True, capture_output=True)
    (folder / "ld.so.preload").write_text("/clock/wrong_clock.so\n")
    container.options = [
        f"--volume={folder}:/clock:ro",
        f"--volume={folder}/ld.so.preload:/etc/ld.so.preload:ro",
    ]
    ahead = folder / "ahead"
    ahead.write_text("0")
    return ahead


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forth", "back"])
def test_no_scan_is_missed_and_whoever_logs_in_now_can_work(container, clock, programs, witness, jump):
    clock.write_text(str(min(jump, 0)))
    container.start()
    # A session of the earliest of all these times is good at each of them.
    api = container.login()
    clock.write_text("0")
    later = container.login()
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    processes = {process.pid for process in container.all_inside()}
    scans = Scans(api, witness)
    for ahead in (jump, 0, jump):
        clock.write_text(str(ahead))
        count = api.scan_count()
        wait_until(lambda: api.scan_count() > count + 10, "scans")  # noqa: B023 it is called at once
    scans.check()
    assert {process.pid for process in container.all_inside()} == processes, "a watchdog saw a jump as a hang"
    # A session that has not begun yet is none.
    assert later.get("/api/status").status == (200 if jump > 0 else 401)
    assert container.login().state() == "RUNNING"
