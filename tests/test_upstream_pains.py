"""What users of OpenPLC Runtime v4 suffer and ours must not. One test for each:

| what they suffer | test here | more of it in |
|---|---|---|
| one silent TCP connection blocks the whole API | test_a_silent_connection_blocks_nobody | test_isolation.py |
| a failed build stops and deletes the running program | test_a_failed_build_leaves_the_running_program | test_isolation.py, test_builds.py |
| a debug poll while stopped kills the core and restarts the program | test_a_debug_poll_while_stopped_is_harmless | test_debug_sessions.py |
| frames `45`, `45DEAD0000`, `42 00 00 01`, a 10 kB command kill the core | test_odd_frames_are_answered | test_debug_frames.py |
| a line feed in a debug command runs as a core command | test_a_line_feed_is_no_command | test_debug_frames.py |
| two uploads at once corrupt each other | test_two_uploads_at_once_are_not_mixed | test_uploads.py |
| 45 MB out of a 0.2 MB zip and 60,000 empty files are accepted | test_zip_bombs_are_refused | test_uploads.py |
| `Config0.c` twice in a zip | test_a_name_twice_is_refused | test_uploads.py |
| the previous build log is lost by a refused upload | test_a_refused_upload_keeps_the_build_log | test_uploads.py |
| SUCCESS is shown before the new program runs | test_success_means_that_the_new_program_runs | test_builds.py |
| log memory grows by every debug poll | test_debug_polls_are_not_logged | test_memory.py |
| averages are not means | test_averages_are_means | test_statistics.py |
"""

import io
import os
import socket
import threading
import warnings
import zipfile

import pytest

from harness.api import PATIENCE
from harness.debug_protocol import MD5, Debugger, answer_bytes
from harness.programs import heavy_at_first
from harness.scans import Scans, check_mean_cycle
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def blink(programs):
    return programs.blink


@pytest.fixture
def session(runtime, api, editor, blink):
    """A debug session; blink runs."""
    if api.state() != "RUNNING":
        api.deploy(blink.zip())
    session = editor.connect(runtime.url, api.token)
    yield session
    session.disconnect()


@pytest.fixture
def core(runtime, session):
    """The core process, which must be the same afterwards."""
    core = runtime.process("openplc-core")
    yield core
    assert runtime.process("openplc-core") == core


def test_a_silent_connection_blocks_nobody(runtime, api):
    with socket.create_connection(("127.0.0.1", runtime.port)):
        answer = api.get("/api/status")
        assert answer.status == 200 and answer.seconds < PATIENCE, answer


def test_a_failed_build_leaves_the_running_program(api, session, core, blink, programs, witness):
    api.deploy(blink.zip())
    scans = Scans(api, witness)
    assert api.upload(programs.broken.zip()).status == 200
    assert api.follow_build().status == "FAILED"
    assert api.state() == "RUNNING"
    assert Debugger(session, blink.variables).md5() == blink.md5
    scans.check()


def test_a_debug_poll_while_stopped_is_harmless(api, session, core, blink):
    api.deploy(blink.zip())
    assert api.stop() == "STOP:OK"
    debugger = Debugger(session, blink.variables)
    assert debugger.read("SCANS") == debugger.read("SCANS")
    assert api.state() == "STOPPED"
    assert api.start() == "START:OK"


@pytest.mark.parametrize("frame", ["45", "45DEAD0000", "42 00 00 01", "45 " + "DE " * 3413], ids=lambda f: f[:12])
def test_odd_frames_are_answered(api, session, core, frame):
    before = api.scan_count()
    assert "success" in session.command(frame)
    assert api.state() == "RUNNING" and api.scan_count() >= before


def test_a_line_feed_is_no_command(api, session, core):
    session.command("45 DE AD 00 00\nSTOP")
    session.command("45 DE AD 00 00\nSTOP\n")
    assert api.state() == "RUNNING"


def test_two_uploads_at_once_are_not_mixed(api, session, core, blink):
    pair = [blink.with_md5(digit * 32) for digit in "ab"]
    start, answers = threading.Barrier(2), {}

    def upload(bundle):
        start.wait()
        answers[bundle.md5] = api.upload(bundle.zip())

    threads = [threading.Thread(target=upload, args=[bundle]) for bundle in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = [md5 for md5, answer in answers.items() if answer.status == 200]
    assert accepted, answers
    assert api.follow_build().status == "SUCCESS"
    assert answer_bytes(session.command(MD5))[2:].decode() in accepted


@pytest.mark.parametrize("bomb", ["45 MB out of 0.2 MB", "60,000 empty files"])
def test_zip_bombs_are_refused(api, core, blink, bomb):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in blink.files.items():
            archive.writestr(name, content)
        if bomb.startswith("45"):
            for number in range(5):
                archive.writestr(f"large{number}.txt", os.urandom(30_000) + bytes(9_000_000))
        else:
            for number in range(60_000):
                archive.writestr(f"empty/{number}.txt", b"")
    assert api.upload(buffer.getvalue()).status == 400


def test_a_name_twice_is_refused(api, core, blink):
    buffer = io.BytesIO(blink.zip())
    with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("Config0.c", blink.files["Config0.c"] + b"\n")
    answer = api.upload(buffer.getvalue())
    assert answer.status == 400 and "Config0.c" in answer.text, answer


def test_a_refused_upload_keeps_the_build_log(api, core, blink):
    api.deploy(blink.zip())
    before = api.compilation()
    assert before["logs"]
    assert api.upload(b"no zip").status == 400
    assert api.compilation() == before


def test_success_means_that_the_new_program_runs(api, session, core, blink, programs):
    for bundle in (blink, programs.types, blink):
        assert api.upload(bundle.zip()).status == 200
        wait_until(lambda: api.compilation()["status"] == "SUCCESS", "SUCCESS", 60, interval=0)
        assert api.scan_count() > 0
        assert answer_bytes(session.command(MD5))[2:].decode() == bundle.md5
        assert api.state() == "RUNNING"


def test_debug_polls_are_not_logged(api, session, core):
    session.poll(MD5, 500)
    before, last = core.rss(), api.logs()[-1]["id"]
    session.poll(MD5, 10_000)
    assert core.rss() - before < 512 << 10
    assert not api.logs(last + 1)


def test_averages_are_means(api, session, witness):
    """Twenty scans of 5 ms and then short ones: an average that forgets or that starts at nothing shows another sum."""
    scans = Scans(api, witness)
    api.deploy(heavy_at_first(scans=20, milliseconds=5).zip())
    wait_until(lambda: api.scan_count() >= 100, "a hundred scans")
    stats = check_mean_cycle(api.stats())
    assert stats["scan_time_avg"] * stats["scan_count"] / 1000 >= 100, stats
    scans.check_mean_time(0.0012)
