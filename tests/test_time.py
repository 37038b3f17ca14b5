"""TIME of a program: it goes on while deadlines are skipped, and retained timers go on over stop and start."""

import pytest

from harness.debug_protocol import Debugger
from harness.programs import bundle, single_task
from harness.waiting import wait_until
from matiec.model import Variable

INTERVAL_MS = 20
NOW, ELAPSED = "RES0__INSTANCE0.TIMER.CURRENT_TIME", "RES0__INSTANCE0.TIMER.ET"
# It takes longer than its interval: at least every other deadline is skipped.
LONG_SCAN = """
{{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < 30 * 1000000LL);
}}
"""


def timing(name, before=""):
    variables = [Variable("TIMER", "TON", retain=True), Variable("SCANS", "UDINT")]
    body = f"{before}\n  SCANS := SCANS + 1;\n  TIMER(IN := TRUE, PT := T#24h);\n"
    return bundle(single_task(name, variables, body, interval_ms=INTERVAL_MS))


@pytest.fixture
def read(runtime, api, editor):
    """Reads variables of a program; times in ns."""

    def read(program, *names):
        session = editor.connect(runtime.url, api.token)
        try:
            values = Debugger(session, program.variables).read_many(names)
        finally:
            session.disconnect()
        return [value[0] * 10**9 + value[1] if isinstance(value, tuple) else value for value in values.values()]

    return read


def cold_start(api, program):
    api.deploy(program.zip())
    api.stop()
    assert api.get("/api/cold-start-plc").json()["status"] == "COLD_START:OK"


def test_skipped_deadlines_count(api, read):
    program = timing("slow", LONG_SCAN)
    cold_start(api, program)
    wait_until(lambda: api.scan_count() > 20, "some scans")
    now, scans = read(program, NOW, "RES0__INSTANCE0.SCANS")
    assert now >= 2 * (scans - 1) * INTERVAL_MS * 10**6


def test_a_retained_timer_goes_on_after_stop_and_start(api, read):
    program = timing("timing")
    cold_start(api, program)
    wait_until(lambda: api.scan_count() > 50, "some scans")
    api.stop()
    [now, elapsed] = read(program, NOW, ELAPSED)
    assert now >= 49 * INTERVAL_MS * 10**6
    api.start()
    wait_until(lambda: api.scan_count() > 0, "a scan")
    [later, more, scans] = read(program, NOW, ELAPSED, "RES0__INSTANCE0.SCANS")
    assert later > now and more > elapsed
    assert more - elapsed == later - now, "the pause does not count for one and not the other"
    # A handful of scans since, skipped ones too; not the whole time again.
    assert scans <= 50 or later - now >= now


def test_a_retained_timer_goes_on_in_the_program_that_takes_the_place(api, read):
    program, successor = timing("timing"), timing("timing", "  SCANS := SCANS + 0;")
    cold_start(api, program)
    wait_until(lambda: api.scan_count() > 50, "some scans")
    [now, elapsed] = read(program, NOW, ELAPSED)
    api.deploy(successor.zip())
    [later, more] = read(successor, NOW, ELAPSED)
    assert later > now and more > elapsed and more - elapsed == later - now
