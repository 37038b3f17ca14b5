"""What an administrator reads in `systemctl status` and `journalctl`."""

import re

import pytest

from harness.waiting import wait_until

from booted.conftest import cursor

OURS = ("openplc-api.service", "openplc-core.service", "openplc-compile@*.service")


@pytest.fixture(scope="module")
def day(plant, api, programs):
    """The journal of an ordinary day with one failed login and one failed build."""
    start = cursor(plant.machine)
    assert api.post("/api/login", {"username": "engineer", "password": "wrong"}).status == 401
    fresh = plant.login()
    assert fresh.upload(programs.broken.zip()).status == 200
    assert fresh.follow_build().status == "FAILED"
    fresh.deploy(programs.types.zip())
    fresh.deploy(programs.blink.zip(), clean=True)
    assert fresh.stop() == "STOP:OK"
    assert fresh.start() == "START:OK"
    units = [f"--unit={unit}" for unit in OURS]

    def entries():
        found = plant.machine.journal(f"--after-cursor={start}", *units)
        return found if any(entry.get("OPENPLC_COMMAND") == "START" for entry in found) else None

    return wait_until(entries, "the start in the journal")


def written_by_us(day):
    return [entry for entry in day if entry.get("SYSLOG_IDENTIFIER", "").startswith("openplc-")]


def having(day, **fields):
    return [entry for entry in day if all(entry.get(name) == value for name, value in fields.items())]


def test_a_failed_login_is_a_warning_that_names_account_and_address(day):
    warnings = having(day, OPENPLC_USER="engineer", PRIORITY="4", SYSLOG_IDENTIFIER="openplc-api")
    (entry,) = [entry for entry in warnings if "ogin" in entry["MESSAGE"]]
    assert "engineer" in entry["MESSAGE"] and "127.0.0.1" in entry["MESSAGE"], entry["MESSAGE"]
    assert "127.0.0.1" in entry["OPENPLC_PEER"]


@pytest.mark.parametrize("command", ["STOP", "START"])
def test_a_command_says_who_gave_it_and_what_came_of_it(day, command):
    (entry,) = having(day, OPENPLC_COMMAND=command)
    assert (entry["OPENPLC_USER"], entry["PRIORITY"]) == ("engineer", "6")
    assert entry["OPENPLC_OUTCOME"]
    assert "engineer" in entry["MESSAGE"], entry["MESSAGE"]


def test_a_program_can_be_followed_by_its_hash(day):
    programs = {entry["OPENPLC_PROGRAM"] for entry in day if "OPENPLC_PROGRAM" in entry}
    assert len(programs) >= 2, programs


def test_the_failed_build_is_a_warning(day):
    """The one that failed, of three: between its upload and the start of the next."""
    warnings = [e["MESSAGE"] for e in written_by_us(day) if e["PRIORITY"] == "4" and re.search("build", e["MESSAGE"], re.I)]
    print(warnings)
    assert len(warnings) == 1, warnings


def test_messages_are_readable_alone(day):
    entries = written_by_us(day)
    assert len(entries) > 8
    for entry in entries:
        message = entry["MESSAGE"]
        assert isinstance(message, str), f"journald stored it as bytes: {entry}"
        assert re.fullmatch(r"[^\x00-\x1f]{8,400}", message), repr(message)
        # Time, priority and program are the journal's own fields.
        assert not re.match(r"<\d>|\d{4}-\d\d-\d\d|\[?(INFO|WARN|ERROR|DEBUG)", message), message


def test_an_ordinary_day_has_no_error_and_no_noise(day):
    errors = [entry["MESSAGE"] for entry in day if int(entry["PRIORITY"]) <= 3]
    assert errors == []
    assert len(written_by_us(day)) < 80, "\n".join(entry["MESSAGE"] for entry in written_by_us(day))


def test_no_secret_is_in_the_journal(day):
    for entry in day:
        text = str(entry)
        assert "wrong" not in text and "correct horse" not in text and "eyJ" not in text, entry


def test_status_of_the_core_shows_state_program_and_figures(plant, api, programs):
    api.deploy(programs.blink.zip())
    wait_until(lambda: re.match(r"RUNNING.*scan", plant.status()), lambda: f"figures: {plant.status()!r}")
    shown = plant.machine.output("systemctl", "status", "--no-pager", "--lines=0", "openplc-core.service")
    assert re.search(r'Status: "RUNNING.*\d+ ?(µs|us|ms)', shown), shown
    assert api.stop() == "STOP:OK"
    wait_until(lambda: plant.status().startswith("STOPPED"), lambda: f"STOPPED: {plant.status()!r}")
    assert api.start() == "START:OK"


def test_status_of_the_api_says_what_it_does(plant, api):
    api.state()
    assert plant.status("openplc-api.service")


def test_status_of_a_build_names_program_and_stage(plant, api, slow_to_build):
    assert api.upload(slow_to_build.zip(), clean=True).status == 200
    shown = []

    def is_compiling():
        units = plant.machine.output("systemctl", "list-units", "--no-legend", "--plain", "openplc-compile@*").split()
        shown[:] = [plant.status(units[0])] if units else []
        return shown and re.fullmatch(r"Program [0-9a-f]{12}: compiling(, \d+ objects are made)?", shown[0])

    wait_until(is_compiling, lambda: f"a build that compiles: {shown}")
    assert api.follow_build().status == "SUCCESS"


def test_an_idle_api_exits_and_comes_back_without_anyone_noticing(plant, api, programs):
    api.deploy(programs.blink.zip())
    ended = plant.login()
    assert ended.post("/api/logout").status == 200
    assert ended.get("/api/status").status == 401
    last = api.logs()[-1]["id"]
    folder = "/run/systemd/system/openplc-api.service.d"
    command = "/usr/lib/openplc-runtime/openplc-api --exit-when-idle 1"
    plant.machine.run("mkdir", "--parents", folder)
    plant.machine.run("tee", f"{folder}/idle.conf", text=f"[Service]\nExecStart=\nExecStart={command}\n")
    try:
        plant.machine.run("systemctl", "daemon-reload")
        plant.machine.run("systemctl", "restart", "openplc-api.service")
        wait_until(lambda: plant.machine.active("openplc-api.service") == "inactive", "the idle end")
        assert plant.machine.listening() == plant.listening
        assert api.state() == "RUNNING"
        assert ended.get("/api/status").status == 401, "a session that was ended stays ended"
        assert api.stop() == "STOP:OK"
        assert api.logs()[-1]["id"] > last, "numbers go on"
        assert api.start() == "START:OK"
    finally:
        plant.machine.run("rm", "-r", folder)
        plant.machine.run("systemctl", "daemon-reload")
        plant.machine.run("systemctl", "restart", "openplc-api.service")
