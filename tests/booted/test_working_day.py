"""`systemctl enable --now openplc-api.socket` alone, and then an engineer's day from another computer."""

from harness.api import Api
from harness.debug_protocol import Debugger
from harness.runtime import PASSWORD
from harness.waiting import wait_until

from booted.plant import UNITS, Plant


def test_the_whole_day(machine, editor, programs):
    plant, api, blink = Plant(machine), Api(Plant.port), programs.blink
    if plant.installed():
        plant.purge()
    plant.install()

    # Whoever installs it decides when the port is opened.
    assert machine.listening() == set()
    assert {unit: machine.active(unit) for unit in UNITS} == dict.fromkeys(UNITS, "inactive")

    plant.enable()
    # That of discovery is wanted by the first, not waited for.
    wait_until(lambda: machine.listening() == Plant.listening, "the sockets")
    assert plant.found() == {"service": "openplc-runtime", "api_port": 8443, "hostname": machine.output("hostname").strip()}
    wait_until(lambda: machine.active("openplc-core.service") == "active", "the core")

    assert api.users_info().status == 404
    assert api.create_user("engineer", PASSWORD).status == 201
    api.login("engineer", PASSWORD)
    assert api.users_info().status == 200
    assert api.state() == "EMPTY"

    assert api.upload(blink.zip()).status == 200
    build = api.follow_build()
    assert (build.status, build.exit_code) == ("SUCCESS", 0), build.text
    assert api.state() == "RUNNING"
    first = wait_until(api.scan_count, "the first scan")
    wait_until(lambda: api.scan_count() > first, "another scan")
    entries = api.logs()
    assert entries and [e["id"] for e in entries] == sorted(e["id"] for e in entries)

    session = editor.connect(plant.url, api.token)
    debugger = Debugger(session, blink.variables)
    assert debugger.md5() == blink.md5
    debugger.force("SCANS", 1234)
    assert debugger.read("SCANS") == 1234
    debugger.release("SCANS")
    wait_until(lambda: debugger.read("SCANS") != 1234, "SCANS to count again")

    assert api.stop() == "STOP:OK"
    assert api.state() == "STOPPED"
    assert api.start() == "START:OK"
    assert api.state() == "RUNNING"

    session.disconnect()
    assert api.post("/api/logout").status == 200
    assert api.get("/api/status").status == 401
