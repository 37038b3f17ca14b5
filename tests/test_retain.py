"""Variables declared RETAIN keep their values: over stop, start, upload, kill and power loss of the process."""

import json
import os
import subprocess

import pytest

from harness.debug_protocol import Debugger
from harness.runtime import BINARIES, PASSWORD
from harness.waiting import wait_until

# What counts scans and is retained, and what counts them and is not. Each begins with 0.
RETAINED = ["COUNT", "RES0__INSTANCE0.PARTS.TOTAL", "RES0__INSTANCE0.PARTS.FORGOTTEN", "RES0__INSTANCE0.OTHERS.TOTAL",
            "KEPT", "SWITCHED", "NUMBERS[0]", "RES0__INSTANCE0.MOTOR.SPEED", "CONFIG0__HOURS"]  # fmt: skip
FORGOTTEN = ["SCANS", "NOT_KEPT", "RES0__INSTANCE0.OTHERS.FORGOTTEN"]


@pytest.fixture(scope="module", params=["retaining", "retaining_elements"])
def program(request, programs):
    """As MatIEC describes an array in one row, and as it describes each element."""
    return getattr(programs, request.param)


@pytest.fixture
def plc(runtime, api, editor, program):
    """The program, begun with initial values."""
    api.deploy(program.zip())
    plc = Plc(runtime, api, editor, program)
    plc.cold_start()
    return plc


class Plc:
    def __init__(self, runtime, api, editor, program):
        self.runtime, self.api, self.editor, self.program = runtime, api, editor, program

    def debug(self, work):
        session = self.editor.connect(self.runtime.url, self.api.token)
        try:
            return work(Debugger(session, self.program.variables))
        finally:
            session.disconnect()

    def read(self, names):
        return self.debug(lambda debugger: debugger.read_many(names))

    def force(self, name, value):
        # As the Editor: it asks for the MD5 first, which says the order of bytes.
        self.debug(lambda debugger: (debugger.md5(), debugger.force(name, value)))

    def cold_start(self):
        self.api.stop()
        assert self.api.get("/api/cold-start-plc").json()["status"] == "COLD_START:OK"

    def status(self):
        return self.api.get("/api/retain-status").json()

    def run_on(self, scans=20):
        """Until the program has done something worth keeping."""
        wait_until(lambda: self.api.scan_count() > scans, "some scans")

    def stored(self):
        """Waits until values are on disk that are newer than this call."""
        for _ in range(2):
            before = (self.status()["runtime"]["store"] or {}).get("taken_ms", 0)
            wait_until(lambda: (self.status()["runtime"]["store"] or {}).get("taken_ms", 0) > before, "values on disk")

    def running_again(self):
        wait_until(lambda: self.api.state() == "RUNNING", lambda: f"the program to run:\n{self.runtime.log()[-3000:]}")
        wait_until(lambda: self.api.scan_count() > 0, "a scan")

    def begun_with(self):
        """What each counter was before the first scan of this instance."""
        values = self.read([*RETAINED, *FORGOTTEN])
        return {name: value - values["SCANS"] for name, value in values.items()}


def all_same(values, names):
    return len({values[name] for name in names}) == 1


def test_stop_and_start(plc):
    plc.run_on()
    plc.api.stop()
    last = plc.read(RETAINED)
    assert plc.api.start() == "START:OK"
    begun = plc.begun_with()
    assert {name: begun[name] for name in RETAINED} == last
    assert all(begun[name] == 0 for name in FORGOTTEN), "what is not declared RETAIN begins anew"


def test_values_of_all_variables_belong_to_one_scan(plc):
    """Each counts scans: retained at different moments they would differ."""
    for _ in range(3):
        plc.run_on()
        plc.stored()
        plc.runtime.kill_process("openplc-core")
        plc.running_again()
        begun = plc.begun_with()
        assert all_same(begun, RETAINED) and begun["COUNT"] > 0, begun


def test_killed_it_is_not_older_than_what_was_stored(plc):
    plc.run_on()
    seen = plc.read(["COUNT"])["COUNT"]
    plc.stored()
    plc.runtime.kill_process("openplc-core")
    plc.running_again()
    assert plc.begun_with()["COUNT"] >= seen


def test_an_orderly_end_of_everything(plc):
    plc.run_on()
    seen = plc.read(["COUNT"])["COUNT"]
    plc.runtime.restart()
    plc.running_again()
    begun = plc.begun_with()
    assert begun["COUNT"] >= seen and all_same(begun, RETAINED)


def test_upload_of_a_program_with_the_same_variables(plc):
    plc.run_on()
    seen = plc.read(["COUNT"])["COUNT"]
    other = plc.program.with_file("LOCATED_VARIABLES.h", plc.program.files["LOCATED_VARIABLES.h"] + b"\n/* */\n")
    plc.api.deploy(other.zip())
    begun = plc.begun_with()
    assert begun["COUNT"] >= seen and all_same(begun, RETAINED)
    report = plc.status()["retain"]
    assert (report["result_name"], report["dropped"], report["added"]) == ("ok", 0, 0)


def test_texts_and_times(plc):
    plc.force("RECIPE", "beech")
    plc.force("PAUSE", (90, 250_000_000))
    plc.force("CONFIG0__SHIFTS[1]", -7)
    plc.run_on(plc.api.scan_count() + 5)
    plc.api.stop()
    plc.api.start()
    kept = plc.read(["RECIPE", "PAUSE", "CONFIG0__SHIFTS[1]"])
    assert kept == {"RECIPE": "beech", "PAUSE": (90, 250_000_000), "CONFIG0__SHIFTS[1]": -7}


def test_what_was_forced_is_retained_and_the_forcing_is_not(plc):
    plc.force("COUNT", 1000)
    plc.run_on(plc.api.scan_count() + 5)
    plc.api.stop()
    plc.api.start()
    assert plc.begun_with()["COUNT"] == 1000, "and it counts on"


def test_other_types_and_names(plc):
    """WIDE becomes longer, RECIPE is renamed, LEVEL becomes a type that cannot hold its value."""
    plc.force("WIDE", -5)
    plc.force("LEVEL", 1e300)
    plc.run_on(plc.api.scan_count() + 5)
    plc.api.stop()
    name = "RES0__INSTANCE0."
    files = {path: content.decode() for path, content in plc.program.files.items()}
    for path in ("POUS.h", "POUS.c", "VARIABLES.csv", "debug.c"):
        for old, new in [
            ("__DECLARE_VAR(INT,WIDE)", "__DECLARE_VAR(DINT,WIDE)"), ("WIDE;INT;INT", "WIDE;DINT;DINT"),
            (name + "WIDE), INT_ENUM", name + "WIDE), DINT_ENUM"),
            ("__DECLARE_VAR(LREAL,LEVEL)", "__DECLARE_VAR(REAL,LEVEL)"), ("LEVEL;LREAL;LREAL", "LEVEL;REAL;REAL"),
            (name + "LEVEL), LREAL_ENUM", name + "LEVEL), REAL_ENUM"), ("RECIPE", "WOOD"),
        ]:  # fmt: skip
            files[path] = files[path].replace(old, new)
    # debug.c lists the types that occur.
    files["debug.c"] = files["debug.c"].replace("LREAL", "REAL")
    other = type(plc.program)({path: content.encode() for path, content in files.items()})
    log_start = plc.api.logs()[-1]["id"] + 1
    plc.api.deploy(other.zip())
    restored = plc.status()["runtime"]["restored"]
    path = "CONFIG0.RES0.INSTANCE0."
    assert restored["converted"] == [path + "WIDE"]
    assert restored["dropped"] == [path + "RECIPE", path + "LEVEL"]
    assert restored["added"] == [path + "WOOD"]
    assert plc.status()["retain"]["result_name"] == "migrated"
    plc.program = other
    assert plc.read(["WIDE", "WOOD"]) == {"WIDE": -5, "WOOD": "oak"}
    line = next(line for line in plc.api.log_text(log_start).splitlines() if "Retained variables" in line)
    assert all(part in line for part in (path + "WIDE", path + "RECIPE", path + "LEVEL", "2 dropped")), line


class TestColdStart:
    def test_it_begins_with_initial_values(self, plc):
        plc.run_on()
        plc.force("RECIPE", "beech")
        plc.cold_start()
        begun = plc.begun_with()
        assert all(value == 0 for value in begun.values()), begun
        assert plc.read(["RECIPE"])["RECIPE"] == "oak"
        assert plc.status()["retain"]["start"] == "cold"

    def test_it_overwrites_what_was_stored(self, plc):
        plc.force("RECIPE", "beech")
        plc.stored()
        plc.cold_start()
        plc.runtime.kill_process("openplc-core")
        plc.running_again()
        assert plc.read(["RECIPE"])["RECIPE"] == "oak"

    def test_only_while_stopped(self, plc):
        assert plc.api.get("/api/cold-start-plc").json()["status"] == "COLD_START:ERROR_ALREADY_RUNNING"


class TestStatus:
    def test_in_the_words_of_v4(self, plc):
        plc.stored()
        plc.api.stop()
        plc.api.start()
        retain = plc.status()["retain"]
        expected = {"start": "warm", "store": "file", "result": 0, "result_name": "ok", "restored": True,
                    "truncated": 0, "refused": 0, "dropped": 0, "added": 0, "converted": 0}  # fmt: skip
        assert {name: retain[name] for name in expected} == expected
        assert retain["kept"] == len(plc.status()["runtime"]["variables"])
        assert retain["stored_layout"] == retain["program_layout"]
        assert retain["stored_bytes"] > retain["blob_bytes"] > 127

    def test_which_variables(self, plc):
        names = {name.rsplit("INSTANCE0.")[-1] for name, _ in plc.status()["runtime"]["variables"]}
        assert names >= {"COUNT", "NUMBERS[3]", "MOTOR.RUNNING", "PARTS.FORGOTTEN", "KEPT", "CONFIG0.HOURS",
                         "CONFIG0.SHIFTS[0]"}  # fmt: skip
        assert not names & {"SCANS", "OTHERS.FORGOTTEN", "NOT_KEPT", "CONFIG0.FORGETFUL", "HOURS"}

    def test_in_the_shell(self, plc, tmp_path):
        plc.stored()
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPENPLC_HOST": f"127.0.0.1:{plc.runtime.port}"}

        def openplcctl(*words, text=""):
            return subprocess.run([BINARIES / "openplcctl", *words], input=text, env=environment, capture_output=True,
                                  text=True, timeout=60, check=True).stdout  # fmt: skip

        openplcctl("login", "--user", "engineer", "--password-stdin", text=PASSWORD + "\n")
        shown = openplcctl("retain")
        assert "bytes on disk" in shown and "CONFIG0.RES0.INSTANCE0.COUNT" in shown, shown
        assert json.loads(openplcctl("--json", "retain"))["interval_ms"] == 100
        openplcctl("stop")
        openplcctl("start", "--cold")
        assert "cold" in openplcctl("retain")


def test_the_first_program_finds_nothing_stored(fresh_runtime, programs):
    api = fresh_runtime.login()
    api.deploy(programs.retaining.zip())
    retain = api.get("/api/retain-status").json()["retain"]
    expected = {"start": "warm", "result": 1, "result_name": "empty", "restored": False, "kept": 0}
    assert {name: retain[name] for name in expected} == expected


def test_a_program_without_retained_variables(runtime, api, programs):
    """It leaves what was stored alone."""
    api.deploy(programs.blink.zip())
    status = api.get("/api/retain-status").json()
    assert (status["retain"]["start"], status["runtime"]["variables"]) == ("none", [])
