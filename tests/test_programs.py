"""Programs of every kind, and what those do that misbehave."""

import os
import re

import pytest

from harness.api import PATIENCE
from harness.debug_protocol import Debugger
from harness.processes import descendants
from harness.programs import bundle, python_program
from harness.scans import Scans, check_mean_cycle
from harness.waiting import wait_until

# A program that faults in its first ten scans makes way for the one before it.
PROVED = 20


@pytest.fixture
def deployed(runtime, api, editor):
    """Deploys a bundle and returns a debugger of it."""
    sessions = []

    def deploy(made):
        api.deploy(made.zip())
        session = editor.connect(runtime.url, api.token)
        sessions.append(session)
        debugger = Debugger(session, made.variables)
        assert debugger.md5() == made.md5
        return debugger

    yield deploy
    for session in sessions:
        session.disconnect()


class TestTasks:
    def test_two_of_different_intervals(self, deployed, programs):
        """20 ms and 100 ms: the slow one sees five pulses of the fast one, always."""
        debugger = deployed(programs.two_tasks)
        names = ["RES0__CONTROL0.SCANS", "RES0__REPORT0.SCANS", "LAST_PULSES"]
        wait_until(lambda: debugger.read("RES0__REPORT0.SCANS") >= 3, "three scans of the slow task")
        for _ in range(100):
            values = debugger.read_many(names)
            assert abs(values["RES0__CONTROL0.SCANS"] - 5 * values["RES0__REPORT0.SCANS"]) <= 5, values
            assert values["LAST_PULSES"] == 5, values

    def test_a_millisecond(self, api, deployed, programs, witness):
        debugger = deployed(programs.fast)
        before, scans = debugger.read("SCANS"), Scans(api, witness, interval=0.001)
        wait_until(lambda: debugger.read("SCANS") > before + 1000, "a thousand scans")
        scans.check_phase()
        check_mean_cycle(api.stats(), interval=0.001)

    def test_a_scan_longer_than_its_interval(self, api, deployed, programs):
        """25 ms of work every 10 ms: missed deadlines are counted, and the PLC can still be stopped."""
        deployed(programs.slow)
        wait_until(lambda: api.scan_count() > 10, "ten scans")
        stats = api.stats()
        assert stats["overruns"] >= stats["scan_count"] - 2
        assert stats["scan_time_avg"] >= 25_000
        assert api.stop() == "STOP:OK"
        assert api.start() == "START:OK"


class TestCBlocks:
    def test_setup_once_and_loop_with_each_scan(self, deployed, programs):
        """The filter starts at its first value, 100, and approaches 50 by a quarter with each scan."""
        debugger = deployed(programs.cblock)
        wait_until(lambda: debugger.read("CALLS") > 40, "forty calls")
        assert 50 <= debugger.read("SMOOTH") < 50.1


class TestPythonBlocks:
    def test_two_instances_of_one_block(self, api, deployed, programs):
        """Each has a script and values of its own, and `%` is an ordinary character in it."""
        debugger = deployed(programs.python)
        wait_until(lambda: debugger.read("RES0__INSTANCE0.SECOND.SCALED") == 21.0, "the second instance", 20)
        wait_until(lambda: debugger.read("RES0__INSTANCE0.FIRST.ROUNDS") > 3, "rounds of the first instance", 20)
        values = debugger.read_many(["COUNTER", "RES0__INSTANCE0.FIRST.SCALED", "RES0__INSTANCE0.SECOND.ODD"])
        assert values["RES0__INSTANCE0.SECOND.ODD"] is True
        assert 0 < values["RES0__INSTANCE0.FIRST.SCALED"] <= values["COUNTER"] * 0.5
        log = wait_until(lambda: (text := api.log_text()).count("first value") >= 2 and text, "what the blocks print")
        assert "first value: 7, factor 3.0" in log
        assert log.count("scaling with 100% precision") >= 2

    def test_it_goes_on_with_the_scan_as_it_was(self, api, deployed, programs, witness):
        scans = Scans(api, witness)
        debugger = deployed(programs.python)
        wait_until(lambda: debugger.read("RES0__INSTANCE0.SECOND.ROUNDS") > 2, "rounds", 20)
        scans.check_mean_time(0.002)

    def test_children_end_with_the_program(self, runtime, deployed, programs):
        deployed(programs.python)
        wait_until(lambda: interpreters(runtime), "the interpreters to run")
        deployed(programs.blink)
        wait_until(lambda: not interpreters(runtime), lambda: f"the interpreters to end: {interpreters(runtime)}", 5)

    def test_children_end_with_a_core_that_is_killed(self, runtime, api, deployed, programs):
        deployed(programs.python)
        old = {p.pid for p in wait_until(lambda: len(interpreters(runtime)) >= 2 and interpreters(runtime), "both", 20)}
        runtime.kill_process("openplc-core")

        def alive():
            return {p.pid for p in descendants(os.getpid()) if p.pid in old and p.state != "Z"}

        wait_until(lambda: not alive(), lambda: f"the old interpreters to end: {alive()}", 5)
        wait_until(lambda: len(interpreters(runtime)) >= 2, "the resumed program's interpreters", 20)

    def test_a_busy_block_ends_with_a_core_that_is_killed(self, runtime, deployed):
        """It never looks whether the core is still there, and cleans nothing up."""
        before = set(os.listdir("/dev/shm"))
        deployed(python_program("while True: time.sleep(3000)"))
        old = {p.pid for p in wait_until(lambda: interpreters(runtime), "the interpreters", 20)}
        left = set(os.listdir("/dev/shm")) - before
        assert left
        runtime.kill_process("openplc-core")
        wait_until(lambda: not {p.pid for p in descendants(os.getpid()) if p.pid in old and p.state != "Z"},
                   "the old interpreters to end", 5)  # fmt: skip
        wait_until(lambda: {p.pid for p in interpreters(runtime)} - old, "those of the resumed program", 20)
        assert not left & set(os.listdir("/dev/shm"))

    def test_they_leave_no_shared_memory(self, runtime, deployed, programs):
        deployed(programs.blink)
        wait_until(lambda: not interpreters(runtime), "no interpreter")
        before = set(os.listdir("/dev/shm"))
        deployed(programs.python)
        wait_until(lambda: interpreters(runtime), "the interpreters to run")
        deployed(programs.blink)
        wait_until(lambda: set(os.listdir("/dev/shm")) <= before, "their shared memory to be removed", 5)

    def test_a_permanent_failure_is_reported_once(self, api, deployed):
        """Fifty scans a second must not become fifty lines a second."""
        last = api.logs()[-1]["id"]
        deployed(python_program("raise RuntimeError('this block cannot work')"))
        wait_until(lambda: "this block cannot work" in api.log_text(last), "the reason in the log", 20)
        wait_until(lambda: api.scan_count() > 100, "a hundred scans")
        assert api.log_text(last).count("this block cannot work") <= 2, api.log_text(last)
        assert len(api.logs(last + 1)) < 40, api.log_text(last)
        assert api.state() == "RUNNING"

    def test_one_that_prints_without_end_delays_nobody(self, api, deployed, witness):
        scans = Scans(api, witness)
        deployed(python_program("while True: print('x' * 1000)"))
        wait_until(lambda: api.scan_count() > 50, "fifty scans")
        scans.check_mean_time(0.002)
        assert api.get("/api/runtime-logs").seconds < PATIENCE


def interpreters(runtime):
    return [p for p in runtime.processes() if re.match(r"python3?", p.name) and p.state != "Z"]


class TestFaults:
    def test_an_exception_of_a_block(self, runtime, api, deployed, programs):
        """ERROR with its reason, in the same core; a start runs it again."""
        core, last = runtime.process("openplc-core"), api.logs()[-1]["id"]
        debugger = deployed(programs.exception)
        wait_until(lambda: debugger.read("SCANS") > PROVED, "scans")
        debugger.force("TRIGGER", True)
        wait_until(lambda: api.state() == "ERROR", "the fault")
        wait_until(
            lambda: "the block gave up" in api.log_text(last), lambda: f"the reason in {api.log_text(last)[-500:]}"
        )
        assert runtime.process("openplc-core") == core
        debugger.release("TRIGGER")
        assert api.start() == "START:OK"
        assert api.state() == "RUNNING"

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("exit", "the program called exit(1)"), ("exit_of_a_thread", "a thread of the program called _exit(2)")],
    )
    def test_a_block_that_ends_the_process(self, runtime, api, deployed, programs, name, reason):
        """It ends the program only, and the reason is told."""
        core, last = runtime.process("openplc-core"), api.logs()[-1]["id"]
        debugger = deployed(getattr(programs, name))
        wait_until(lambda: debugger.read("SCANS") > PROVED, "scans")
        debugger.force("TRIGGER", True)
        wait_until(lambda: api.state() == "ERROR", "the fault")
        wait_until(lambda: reason in api.log_text(last), lambda: f"the reason in {api.log_text(last)[-500:]}")
        assert runtime.process("openplc-core") == core
        debugger.release("TRIGGER")
        assert api.start() == "START:OK"
        assert api.state() == "RUNNING"

    @pytest.mark.parametrize(
        ("name", "place"),
        [("crash", r"in \w+_body__"), ("crash_in_a_block", r"in \S*loop\S*, c_blocks_code\.cpp line \d+")],
    )
    def test_a_crash(self, runtime, api, editor, deployed, programs, name, place):
        """It takes the core with it, which comes back with the program; the log tells why and where."""
        core = runtime.process("openplc-core")
        debugger = deployed(getattr(programs, name))
        wait_until(lambda: debugger.read("SCANS") > PROVED, "scans")
        output, trigger = runtime.output_size(), debugger.variables["TRIGGER"]
        assert trigger.iec_type == "BOOL"
        try:
            debugger.force("TRIGGER", True)
        except AssertionError:
            pass  # the core may be gone before it has answered
        wait_until(lambda: core.pid not in {p.pid for p in runtime.processes()}, "the core to crash")
        wait_until(lambda: api.state() == "RUNNING", "the program to run again", 20)
        assert runtime.process("openplc-core") != core
        told = rf"SIGSEGV.* in scan \d+ of task \w+, {place}"
        assert re.search(told, runtime.log(output)), runtime.log(output)

    def test_a_crash_that_leaves_no_record(self, runtime, api, deployed, programs):
        """Whoever supervises the core tells it how the one before ended: after the second time the program stays stopped."""
        debugger = deployed(programs.silent_crash)
        for state in ("RUNNING", "ERROR"):
            core = runtime.process("openplc-core")
            wait_until(lambda: debugger.read("SCANS") > PROVED, "scans")
            try:
                debugger.force("TRIGGER", True)
            except AssertionError:
                pass  # the core may be gone before it has answered
            wait_until(lambda: core.pid not in {p.pid for p in runtime.processes()}, "the core to crash")
            wait_until(lambda: api.state() == state, f"the state {state}", 30)
        assert "SIGSEGV" in api.log_text()
        api.deploy(programs.blink.zip())

    @pytest.mark.timeout(120)
    def test_a_scan_without_end(self, runtime, api, deployed, programs):
        """The API goes on answering, the hang is noticed, and another program can be loaded."""
        debugger = deployed(programs.endless)
        wait_until(lambda: debugger.read("SCANS") > PROVED, "scans")
        core, output = runtime.process("openplc-core"), runtime.output_size()
        try:
            debugger.force("TRIGGER", True)
        except AssertionError:
            pass

        def noticed():
            answer = api.get("/api/status?include_stats=true")
            assert answer.status == 200 and answer.seconds < PATIENCE, answer
            return api.state() == "ERROR" or core.pid not in {p.pid for p in runtime.processes()}

        wait_until(noticed, "the hang to be noticed", 30)
        wait_until(lambda: api.state() in ("RUNNING", "ERROR"), "the core to come back", 30)
        assert runtime.log(output) or api.log_text()
        api.deploy(programs.blink.zip())

    def test_a_broken_program_in_the_code_of_the_compiler(self, api, programs):
        assert api.upload(programs.broken_pous.zip()).status == 200
        build = api.follow_build()
        assert build.status == "FAILED"
        assert "POUS.c:" in build.text, build.text


def test_every_program_that_compiles_builds_and_runs(api, programs):
    for name in programs.names():
        if not name.startswith("broken") and name != "large":  # the benchmarks build that one
            build = api.deploy(getattr(programs, name).zip())
            assert not any(line.startswith("[ERROR]") for line in build.logs), (name, build.text)


def test_the_examples_are_what_their_generator_writes():
    import generate

    assert generate.outdated_examples() == []
    assert bundle(generate.PROGRAMS["blink"]).files
