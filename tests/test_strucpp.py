"""Programs of today's Editors (STruC++), request by request."""

from dataclasses import replace

import pytest

from harness.debug_protocol import Debugger, answer_bytes
from harness.runtime import PASSWORD
from harness.strucpp import (
    BATCH,
    MD5,
    READ_ONLY,
    Pou,
    StrucppDebugger,
    Task,
    Variable,
    bundle,
    list_request,
    single_task,
)
from harness.waiting import wait_until
from strucpp.model import HEADERS
from strucpp_catalogue import BLINK, RETAINING, TYPES, three_tasks


@pytest.fixture
def debug(runtime, api, editor):
    """Uploads a program and opens a session with it."""
    sessions = []

    def begin(made):
        api.deploy(made.zip())
        sessions.append(editor.connect(runtime.url, api.token))
        return StrucppDebugger(sessions[-1], made.leaves)

    yield begin
    for session in sessions:
        session.disconnect()


def test_the_whole_day(fresh_runtime, editor):
    """Editor 4.2 and later, from the first connection to forcing."""
    runtime, api, blink = fresh_runtime, fresh_runtime.api(), bundle(BLINK)
    assert api.users_info().status == 404
    assert api.create_user("engineer", PASSWORD, "admin").status == 201
    api.login("engineer", PASSWORD)
    session = editor.connect(runtime.url, api.token)
    # No program yet: the Editor offers an upload.
    assert answer_bytes(session.command(MD5)) == b"\x45\x83"

    # The gate before the upload, and the upload.
    version = api.get("/api/version").json()["version"]
    assert tuple(int(part) for part in version.lstrip("v").split(".")[:3]) >= (4, 1, 0)
    assert api.get("/api/capabilities").status in (200, 404)
    assert api.upload(blink.zip()).status == 200
    build = api.follow_build()
    assert (build.status, build.exit_code) == ("SUCCESS", 0), build.text
    assert not any(line.startswith(("[ERROR]", "[WARNING]")) for line in build.logs), build.text
    # It runs already when the Editor asks for that.
    assert api.start() == "START:ERROR_ALREADY_RUNNING"
    assert api.state() == "RUNNING"
    wait_until(lambda: api.scan_count() > 3, "scans")

    debugger = StrucppDebugger(session, blink.leaves)
    assert debugger.md5() == blink.md5
    before = debugger.read("SCANS")
    wait_until(lambda: debugger.read("SCANS") > before, "SCANS to count")
    debugger.force("SCANS", 1_000_000)
    assert debugger.read("SCANS") == 1_000_000
    debugger.release("SCANS")
    wait_until(lambda: debugger.read("SCANS") != 1_000_000, "SCANS to count again")
    # TIME() is the time of the task's release.
    now, scans = debugger.read_many(["NOW", "SCANS"]).values()
    assert now % 10_000_000 == 0 and now > 0 and scans > 0

    assert api.stop() == "STOP:OK"
    assert debugger.md5() == blink.md5
    assert api.start() == "START:OK"
    wait_until(lambda: api.scan_count() > 0, "scans again")


@pytest.mark.parametrize("headers", HEADERS)
def test_every_stage_of_the_headers_builds_and_runs(debug, headers):
    made = bundle(replace(BLINK, headers=headers))
    debugger = debug(made)
    assert debugger.md5() == made.md5
    wait_until(lambda: debugger.read("SCANS") > 2, "scans")
    assert debugger.read_many(["TEXT", "LIMIT"]) == {"TEXT": "hello", "LIMIT": 10}
    setpoint = debugger.read("SETPOINT") + 1
    debugger.force("SETPOINT", setpoint)
    wait_until(lambda: debugger.read("SPEED") == setpoint, "the forced value to arrive")
    debugger.force("TEXT", "forced")
    assert debugger.read("TEXT") == "forced"
    debugger.release("TEXT")


class TestDebugging:
    def test_every_type_is_read_and_forced(self, debug):
        debugger = debug(bundle(TYPES))
        values = {
            "V_BOOL": True, "V_SINT": -100, "V_USINT": 200, "V_INT": -30_000, "V_UINT": 60_000, "V_DINT": -2_000_000_000,
            "V_UDINT": 4_000_000_000, "V_LINT": -(1 << 60), "V_ULINT": 1 << 63, "V_REAL": 1.5, "V_LREAL": -2.25,
            "V_BYTE": 0xA5, "V_WORD": 0xBEEF, "V_DWORD": 0xDEADBEEF, "V_LWORD": 0x0123456789ABCDEF,
            "V_TIME": 1_500_000_000, "V_DATE": 86_400_000_000_000, "V_TOD": 1, "V_DT": 1 << 60,
            "V_STRING": "characters", "V_WSTRING": "größer",
        }  # fmt: skip
        for name, value in values.items():
            debugger.force(name, value)
        assert debugger.read_many(values) == values
        for name in values:
            debugger.release(name)

    def test_five_hundred_in_a_batch_and_a_thousand_cut_at_a_whole_value(self, debug):
        made = bundle(TYPES)
        debugger = debug(made)
        many = [made.leaves[f"INSTANCE0.MANY[{index}]"] for index in range(1200)]
        last, _, data = debugger.answer(many[:BATCH])
        assert (last, len(data)) == (BATCH - 1, 4 * BATCH)
        last, _, data = debugger.answer(many[:1024])
        assert last == 1020 and len(data) == 4 * 1021
        assert debugger.frame(list_request(many[:1025])) == b"\x44\x82"
        assert debugger.frame("44 00 00") == b"\x44\x81"

    def test_constants_can_only_be_read_where_the_headers_tell(self, debug):
        debugger = debug(bundle(BLINK))
        assert debugger.force_status("LIMIT", b"\1\0\0\0") == READ_ONLY
        assert debugger.read("LIMIT") == 10

    @pytest.mark.parametrize("headers", ["threaded", "retaining"])
    def test_strings_of_every_length_where_the_debug_table_does_not_tell(self, debug, headers):
        """It takes each for one of 254 characters, and what lies behind a shorter one for its end."""
        variables = [
            Variable("BEFORE", "UDINT", "1"),
            Variable("SHORT", "STRING(5)", '"abc"'),
            Variable("BEHIND", "ARRAY [1..200] OF UDINT"),
            Variable("WIDE", "WSTRING(3)"),
            Variable("NAMES", "ARRAY [1..2] OF STRING"),
            Variable("LAST", "UDINT", "2"),
        ]
        debugger = debug(bundle(single_task("strings", variables, "    BEHIND.at(1) = BEHIND.at(1) + 0;\n", headers=headers)))
        untouched = ["BEFORE", "LAST", *(f"INSTANCE0.BEHIND[{index}]" for index in range(1, 201))]
        before = debugger.read_many(untouched)
        assert debugger.read_many(["SHORT", "WIDE"]) == {"SHORT": "abc", "WIDE": ""}
        debugger.force("SHORT", "longer than it can be")
        debugger.force("WIDE", "größe")
        debugger.force("INSTANCE0.NAMES[2]", "second")
        assert list(debugger.read_many(["INSTANCE0.NAMES[1]", "INSTANCE0.NAMES[2]"]).values()) == ["", "second"]
        assert debugger.read_many(["SHORT", "WIDE"]) == {"SHORT": "longe", "WIDE": "grö"}
        assert debugger.force_status("SHORT", bytes([127]) + 127 * b"x") == 0x82
        assert debugger.force_status("WIDE", b"\3a\0") == 0x82
        debugger.release("SHORT")
        debugger.release("WIDE")
        assert debugger.read_many(untouched) == before

    def test_a_variable_may_have_the_name_of_a_macro(self, debug):
        variables = [Variable(name, "UDINT", "7") for name in ("EOF", "BUFSIZ", "SIZE_MAX", "R_OK")]
        debugger = debug(bundle(single_task("macros", variables, "")))
        assert debugger.read("EOF") == 7

    def test_bad_requests_lose_nothing(self, debug):
        debugger = debug(bundle(BLINK))
        assert debugger.force_status("SCANS", b"\1") == 0x82
        assert debugger.frame("42 FF 00 00 01 00 01 01") == b"\x42\x81"
        assert debugger.client.command("46 00")["success"] is False
        # Licences that vendors sell for their boards: the Editor asks for them and is told that there are none here.
        assert [debugger.frame(request) for request in ("48", "49 00 01 00", "4A")] == [b"\x48\x85", b"\x49\x85", b"\x4a\x85"]
        assert debugger.frame("41")[:3] == b"\x41\x01\x7e"
        assert debugger.md5() == bundle(BLINK).md5


class TestGenerations:
    def test_both_in_turn_on_one_installation(self, runtime, api, editor, programs):
        session = editor.connect(runtime.url, api.token)
        old, new = programs.blink, bundle(BLINK)
        for _ in range(2):
            api.deploy(old.zip())
            debugger = Debugger(session, old.variables)
            assert debugger.md5() == old.md5
            wait_until(lambda debugger=debugger: debugger.read("SCANS") > 0, "scans")
            api.deploy(new.zip())
            debugger = StrucppDebugger(session, new.leaves)
            assert debugger.md5() == new.md5
            wait_until(lambda debugger=debugger: debugger.read("SCANS") > 0, "scans")
        session.disconnect()

    def test_an_editor_of_the_other_generation_offers_an_upload(self, runtime, api, editor, programs):
        session = editor.connect(runtime.url, api.token)
        api.deploy(bundle(BLINK).zip())
        # Editor 4.1 compares everything behind the status.
        assert Debugger(session, {}).frame(MD5)[2:] != programs.blink.md5.encode()
        api.deploy(programs.blink.zip())
        # Today's Editors miss the two bytes of the trailer: "too short".
        assert len(Debugger(session, {}).frame(MD5)) == 34
        session.disconnect()


class TestTasks:
    @pytest.mark.parametrize("headers", ["copying", "threaded", "newest"])
    def test_a_slow_task_holds_up_no_faster_one(self, debug, api, headers):
        debugger = debug(bundle(three_tasks(headers)))

        def counts():
            return debugger.read_many(["FAST0.SCANS", "MIDDLE0.SCANS", "SLOW0.SCANS"]).values()

        wait_until(lambda: list(counts())[2] >= 5, "scans of the slow task")
        fast, middle, slow = counts()
        # Five scans of the slow task are 400 ms of work at least, in which others would have stood still.
        assert fast > 20 * slow and middle > 3 * slow, (fast, middle, slow)
        tasks = {task["name"]: task for task in api.stats()["tasks"]}
        assert list(tasks) == ["FAST", "MIDDLE", "SLOW"], "the most urgent first"
        assert tasks["SLOW"]["scan_time_min"] >= 60_000
        # Each task has its own time, which stands still during its scan.
        began, ended, now = debugger.read_many(["SLOW0.BEGAN", "SLOW0.ENDED", "FAST0.NOW"]).values()
        assert began == ended and began % 100_000_000 == 0 and now % 1_000_000 == 0

    def test_tasks_that_cannot_run_at_the_same_time_run_one_after_the_other(self, debug):
        debugger = debug(bundle(three_tasks("oldest", busy_ms=5)))
        wait_until(lambda: debugger.read("SLOW0.SCANS") >= 3, "scans of the slow task")
        assert debugger.read("FAST0.SCANS") > 20

    def test_a_fault_of_one_task_is_told_with_its_name(self, debug, api):
        debugger = debug(bundle(three_tasks()))
        wait_until(lambda: debugger.read("SLOW0.SCANS") > 12, "the program to prove itself")
        debugger.force("SLOW0.INDEX", 99)
        wait_until(lambda: api.state() == "ERROR", "the fault")
        assert "SLOW" in api.log_text() and "array index out of bounds" in api.log_text()

    def test_a_task_without_interval_has_20_ms(self, debug, api):
        program = replace(BLINK, tasks=[replace(BLINK.tasks[0], interval_ns=0)])
        debug(bundle(program))
        wait_until(lambda: api.scan_count() > 3, "scans")
        assert 15_000 < api.stats()["cycle_time_avg"] < 100_000

    def test_a_program_without_tasks_is_refused_in_words(self, api):
        api.deploy(bundle(BLINK).zip())
        api.upload(bundle(replace(BLINK, tasks=[])).zip())
        build = api.follow_build()
        assert build.status == "FAILED"
        assert "the program has no task" in build.text
        assert api.state() == "RUNNING", "the program before runs on"


class TestBuilds:
    def test_errors_and_warnings_of_user_code_are_told(self, api):
        code = '#include "c_blocks.h"\nint unused() { int x = 1; if (x = 2) return 1; return 0; }\n'
        api.upload(bundle(replace(BLINK, c_blocks_code=code)).zip())
        build = api.follow_build()
        assert build.status == "SUCCESS", build.text
        assert any(line.startswith("[WARNING] c_blocks_code.cpp:2") for line in build.logs), build.text
        broken = bundle(BLINK)
        broken = broken.with_file("pou_MAIN.cpp", broken.files["pou_MAIN.cpp"].replace(b"SCANS = ", b"SCAMS = "))
        api.upload(broken.zip())
        build = api.follow_build()
        assert build.status == "FAILED"
        assert any(line.startswith("[ERROR] pou_MAIN.cpp:") and "SCAMS" in line for line in build.logs), build.text
        assert api.state() == "RUNNING", "the program before runs on"

    def test_a_unit_that_begins_otherwise_is_compiled_by_itself(self, debug):
        made = bundle(BLINK)
        source = b"#if 1\n#define ADDED 1\n#endif\n" + made.files["pou_MAIN.cpp"].replace(b"SCANS + 1", b"SCANS + ADDED")
        debugger = debug(made.with_file("pou_MAIN.cpp", source))
        wait_until(lambda: debugger.read("SCANS") > 2, "scans")

    def test_strings_that_cannot_be_listed_are_left_to_the_headers(self, debug):
        """The table names one by what only itself knows."""
        made = bundle(replace(BLINK, headers="retaining"))
        table = made.files["generated_debug.cpp"].replace(b"&g_config.INSTANCE0.TEXT", b"&hidden")
        first_array, hidden = b"const Entry debug_arr_0", b"static auto &hidden = g_config.INSTANCE0.TEXT;\n"
        table = table.replace(first_array, hidden + first_array, 1)
        debugger = debug(made.with_file("generated_debug.cpp", table))
        assert debugger.read("TEXT") == "hello"

    @pytest.mark.parametrize("name", ["generated.hpp", "defines.h", "strucpp_runtime/include/iec_std_lib.hpp"])
    def test_what_is_missing_is_named(self, api, name):
        api.upload(bundle(BLINK).without(name).zip())
        build = api.follow_build()
        assert build.status == "FAILED" and name in build.text

    def test_names_are_not_needed_to_run(self, api):
        made = bundle(BLINK).without("debug-map.json")
        assert api.upload(made.zip()).status == 200
        build = api.follow_build()
        assert build.status == "SUCCESS" and "debug-map.json is missing" in build.text
        assert api.upload(bundle(RETAINING).without("debug-map.json").zip()).status == 200
        build = api.follow_build()
        assert build.status == "SUCCESS" and "5 variables are declared RETAIN, but debug-map.json has no names" in build.text


class TestImage:
    def test_the_image_is_as_large_as_the_project_says_and_as_the_program_needs(self, debug):
        conf = "format_version=2\n" + "".join(
            f"{name}=16 {unit}\n"
            for name, unit in [("bool_input", "bits"), ("bool_output", "bits"), ("int_memory", "words"), ("int_output", "words")]
        )
        program = single_task(
            "sized",
            [Variable("FAR", "INT", location="%QW5000"), Variable("SCANS", "UDINT")],
            "    SCANS = SCANS + 1;\n    FAR = static_cast<INT_t>(SCANS);\n",
            image_conf=conf,
        )
        debugger = debug(bundle(program))
        wait_until(lambda: debugger.read("SCANS") > 2, "scans")
        # And back again.
        debugger = debug(bundle(BLINK))
        wait_until(lambda: debugger.read("SCANS") > 2, "scans")

    def test_a_mistake_refuses_the_file_as_a_whole(self, api):
        api.upload(bundle(replace(BLINK, image_conf="format_version=2\nint_input=5 bits\n")).zip())
        build = api.follow_build()
        assert build.status == "SUCCESS"
        assert "image.conf is refused as a whole: line 2" in build.text


class TestRetain:
    @pytest.mark.parametrize("headers", ["retaining", "newest"])
    def test_values_survive_a_stop_and_a_cold_start_forgets_them(self, debug, api, headers):
        debugger = debug(bundle(replace(RETAINING, headers=headers)))
        debugger.force("SET", True)
        wait_until(lambda: debugger.read("INSTANCE0.LEVELS[2]") == 22, "the program to set values")
        debugger.release("SET")
        wait_until(lambda: debugger.read("COUNT") > 20, "scans")
        assert api.stop() == "STOP:OK"
        count = debugger.read("COUNT")
        assert api.start() == "START:OK"
        values = debugger.read_many(["COUNT", "PLAIN", "NAME", "INSTANCE0.LEVELS[2]"])
        assert values["COUNT"] >= count and values["PLAIN"] < values["COUNT"]
        assert (values["NAME"], values["INSTANCE0.LEVELS[2]"]) == ("second", 22)
        retain = api.get("/api/retain-status").json()["retain"]
        assert (retain["start"], retain["dropped"]) == ("warm", 0)
        assert api.stop() == "STOP:OK"
        assert api.get("/api/cold-start-plc").json()["status"].strip() == "COLD_START:OK"
        assert debugger.read_many(["NAME", "INSTANCE0.LEVELS[2]"]) == {"NAME": "first", "INSTANCE0.LEVELS[2]": 0}

    def test_elements_without_a_place_for_a_forced_value_are_retained_too(self, debug, api):
        main = RETAINING.pou("MAIN")
        lamps = Variable("LAMPS", "ARRAY [0..2] OF COLOUR", retain=True)
        body = main.body + "    if (SET)\n        LAMPS.at(1) = COLOUR::BLUE;\n"
        changed = replace(RETAINING, pous=[replace(main, variables=[*main.variables, lamps], body=body)])
        debugger = debug(bundle(changed))
        assert debugger.force_status("INSTANCE0.LAMPS[1]", b"\1\0") == READ_ONLY
        debugger.force("SET", True)
        wait_until(lambda: debugger.read("INSTANCE0.LAMPS[1]") == 2, "the program to set values")
        debugger.release("SET")
        assert api.stop() == "STOP:OK"
        assert api.start() == "START:OK"
        assert debugger.read("INSTANCE0.LAMPS[1]") == 2

    def test_strings_of_every_length_are_retained_where_the_debug_table_does_not_tell(self, debug, api):
        variables = [
            Variable("SHORT", "STRING(5)", '"first"', retain=True),
            Variable("WIDE", "WSTRING(7)", retain=True),
            Variable("COUNT", "UDINT", "3", retain=True),
            Variable("SET", "BOOL"),
        ]
        body = '    if (SET) {\n        SHORT = "2nd";\n        WIDE.set(IECWString<7>(u"zweiter", 7));\n        COUNT = 4;\n    }\n'
        debugger = debug(bundle(single_task("short", variables, body, headers="retaining", retain_conf="enabled=1\n")))
        debugger.force("SET", True)
        wait_until(lambda: debugger.read("COUNT") == 4, "the program to set values")
        debugger.release("SET")
        assert api.stop() == "STOP:OK"
        assert api.start() == "START:OK"
        assert debugger.read_many(["SHORT", "WIDE", "COUNT"]) == {"SHORT": "2nd", "WIDE": "zweiter", "COUNT": 4}

    def test_they_go_by_name_to_the_next_program(self, debug):
        debugger = debug(bundle(RETAINING))
        wait_until(lambda: debugger.read("COUNT") > 20, "scans")
        main = RETAINING.pou("MAIN")
        more = [Variable("BEFORE", "UDINT", retain=True), *main.variables]
        changed = replace(RETAINING, pous=[replace(main, variables=more)])
        debugger = debug(bundle(changed))
        values = debugger.read_many(["COUNT", "PLAIN", "BEFORE"])
        assert values["COUNT"] > 20 and values["BEFORE"] == 0

    def test_nothing_is_retained_where_the_project_does_not_want_it(self, api, debug):
        debug(bundle(RETAINING))
        off = bundle(replace(RETAINING, retain_conf=""))
        api.upload(off.zip())
        build = api.follow_build()
        assert build.status == "SUCCESS"
        assert "retaining is switched off" in build.text
        assert api.get("/api/retain-status").json()["retain"]["start"] == "none"


def test_located_globals_are_exchanged_when_no_task_executes(debug):
    """An output that the slow task clears and sets again is never seen cleared, however often the fast one runs."""
    made = bundle(three_tasks())
    debugger = debug(made)
    wait_until(lambda: debugger.read("SLOW0.SCANS") > 3, "scans")
    assert debugger.read("TOTAL") > 0
    assert made.leaves["SHARED"].array == 3


@pytest.mark.parametrize("headers", ["oldest", "copying", "newest"])
def test_two_programs_of_one_task_run_in_their_order(debug, headers):
    first = Pou("FIRST", [Variable("SCANS", "UDINT")], "    SCANS = SCANS + 1;\n    $BOTH := SCANS;\n", ("BOTH",))
    second = Pou("SECOND", [Variable("SEEN", "UDINT")], "    SEEN = $BOTH;\n", ("BOTH",))
    program = replace(
        BLINK,
        pous=[first, second],
        tasks=[Task("T", 10_000_000, 0, [("A", "FIRST"), ("B", "SECOND")])],
        globals=[Variable("BOTH", "UDINT")],
        headers=headers,
    )
    debugger = debug(bundle(program))
    wait_until(lambda: debugger.read("A.SCANS") > 3, "scans")
    values = debugger.read_many(["A.SCANS", "B.SEEN"])
    assert values["B.SEEN"] == values["A.SCANS"]
