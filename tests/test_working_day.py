"""An engineer's whole day with Editor 4.1, request by request, in one story."""

from harness.debug_protocol import Debugger
from harness.runtime import PASSWORD
from harness.waiting import wait_until


def test_the_whole_day(fresh_runtime, editor, programs):
    runtime, api, blink, types = fresh_runtime, fresh_runtime.api(), programs.blink, programs.types

    # Connect for the first time: there is nobody yet.
    answer = api.users_info()
    assert (answer.status, answer.headers["X-OpenPLC-Runtime-Version"]) == (404, "v4")
    assert api.create_user("engineer", PASSWORD).status == 201
    api.login("engineer", PASSWORD)
    assert api.users_info().status == 200
    assert api.state() == "EMPTY"
    assert api.compilation()["status"] == "IDLE"

    # Upload: the state belongs to this upload before the answer comes.
    assert api.upload(blink.zip()).status == 200
    assert api.compilation()["status"] in ("UNZIPPING", "COMPILING", "SUCCESS")
    build = api.follow_build()
    assert (build.status, build.exit_code) == ("SUCCESS", 0), build.text
    assert all(line.startswith(("[INFO]", "[WARNING]", "[ERROR]", "[DEBUG]")) for line in build.logs), build.text
    assert not any(line.startswith("[ERROR]") for line in build.logs), build.text

    # It runs by itself, and the figures move.
    assert api.state() == "RUNNING"
    first = wait_until(api.scan_count, "the first scan")
    wait_until(lambda: api.scan_count() > first, "another scan")

    # The log with its cursor.
    entries = api.logs()
    assert entries and [e["id"] for e in entries] == sorted(e["id"] for e in entries)
    assert {"id", "timestamp", "level", "message"} <= set(entries[0])
    cursor = entries[-1]["id"] + 1
    assert all(entry["id"] >= cursor for entry in api.logs(cursor))

    # Debug.
    session = editor.connect(runtime.url, api.token)
    debugger = Debugger(session, blink.variables)
    assert debugger.md5() == blink.md5
    values = debugger.read_many(variable.name for variable in blink.table[:60])
    assert len(values) > 2
    before = debugger.read("SCANS")
    wait_until(lambda: debugger.read("SCANS") != before, "SCANS to count")
    debugger.force("SCANS", 1234)
    assert debugger.read("SCANS") == 1234
    debugger.release("SCANS")
    wait_until(lambda: debugger.read("SCANS") != 1234, "SCANS to count again")

    # Stop, start.
    assert api.stop() == "STOP:OK"
    assert api.state() == "STOPPED"
    assert debugger.md5() == blink.md5
    assert api.start() == "START:OK"
    assert api.state() == "RUNNING"
    wait_until(lambda: api.scan_count() > 0, "scans again")

    # The program changes; the session is asked again for the MD5 and goes on.
    assert any(e["id"] >= cursor for e in api.logs(cursor)), "stop and start are in the log"
    api.deploy(types.zip())
    debugger = Debugger(session, types.variables)
    assert debugger.md5() == types.md5
    for name, value in {"A_BOOL": False, "A_INT": -12345, "A_REAL": 1234.5, "A_STRING": "from the Editor"}.items():
        debugger.force(name, value)
        assert debugger.read(name) == value, name
        debugger.release(name)
    session.disconnect()

    # The day ends.
    assert api.get("/api/serial-ports").json().get("error") is None
    assert api.post("/api/logout").status == 200
    assert api.get("/api/status").status == 401
