"""`openplc-launcher` as a person starts it: the example, mistakes on the command line, signals."""

import os
import re
import signal
import subprocess

import pytest

from harness.api import PATIENCE
from harness.processes import descendants
from harness.runtime import BINARIES, PASSWORD, Runtime, bring_to_an_end
from harness.waiting import wait_until


@pytest.fixture(params=["blink", "parallel"])
def example(tmp_path, request):
    """The main job by one command."""
    runtime = Runtime(tmp_path / "data")
    runtime.options = ["--example", request.param]
    yield runtime.start()
    bring_to_an_end(runtime)


def test_the_example_runs_and_shows_its_values(example, editor):
    api = example.login()
    wait_until(lambda: api.state() == "RUNNING", "the example to run", 30)

    def values():
        return re.findall(r"SCANS\D+(\d+)", example.log())

    wait_until(lambda: len(set(values())) >= 2, lambda: f"values that move:\n{example.log()[-2000:]}", 15)


def test_an_unknown_example_is_explained(tmp_path):
    ended = launch("--data", tmp_path / "data", "--example", "blonk")
    assert ended.returncode != 0
    assert "blink" in ended.stdout + ended.stderr, "the examples that there are"


def test_an_address_that_is_taken_is_explained(runtime, tmp_path):
    ended = launch("--data", tmp_path / "data", "--listen", f"127.0.0.1:{runtime.port}")
    assert ended.returncode != 0
    assert str(runtime.port) in ended.stdout + ended.stderr


def test_a_folder_in_use_is_explained(runtime):
    ended = launch("--data", runtime.data, "--listen", "127.0.0.1:0")
    assert ended.returncode != 0
    assert str(runtime.data) in ended.stdout + ended.stderr


def test_a_path_too_long_for_a_socket_is_explained(tmp_path):
    ended = launch("--data", tmp_path / ("x" * 120), "--listen", "127.0.0.1:0")
    assert ended.returncode != 0
    assert "shorter" in ended.stdout + ended.stderr


def launch(*arguments):
    return subprocess.run(
        [BINARIES / "openplc-launcher", *map(str, arguments)], capture_output=True, text=True, timeout=20
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_everything(fresh_runtime, programs, number):
    """While a Python block runs: its interpreter ends too."""
    api = fresh_runtime.login()
    api.deploy(programs.python.zip())
    processes = fresh_runtime.processes()
    fresh_runtime.launcher.send_signal(number)
    assert fresh_runtime.launcher.wait(15) == 0
    fresh_runtime.launcher = None

    def left():
        return [p for p in descendants(os.getpid()) if p.pid in {q.pid for q in processes} and p.state != "Z"]

    wait_until(lambda: not left(), lambda: f"the end of {left()}", 2)
    fresh_runtime.reap(processes)


def test_a_hanging_core_is_replaced(fresh_runtime, programs):
    """SIGSTOP, as a driver that never returns would: the watchdog notices."""
    api = fresh_runtime.login()
    api.deploy(programs.blink.zip())
    core = fresh_runtime.process("openplc-core")
    os.kill(core.pid, signal.SIGSTOP)
    wait_until(lambda: core.pid not in {p.pid for p in fresh_runtime.processes() if p.state != "Z"},
               "the watchdog to end it", 20)  # fmt: skip
    wait_until(lambda: api.state() == "RUNNING", "the program to run again", 10)


def test_a_hanging_core_makes_nobody_wait(fresh_runtime, programs):
    """The API answers within the Editor's five seconds, whatever the core does."""
    api = fresh_runtime.login()
    api.deploy(programs.blink.zip())
    core = fresh_runtime.process("openplc-core")
    os.kill(core.pid, signal.SIGSTOP)
    for path in ("/api/status?include_stats=true", "/api/runtime-logs", "/api/stop-plc", "/api/compilation-status"):
        answer = api.get(path)
        assert answer.seconds < PATIENCE and not re.search("token|expired|unauthorized", answer.text, re.IGNORECASE), answer
    assert api.post("/api/login", {"username": "engineer", "password": PASSWORD}).status == 200
    os.kill(core.pid, signal.SIGCONT) if core.pid in {p.pid for p in fresh_runtime.processes()} else None
    wait_until(lambda: fresh_runtime.api(api.token).state() in ("RUNNING", "STOPPED"), "the core to be back", 20)
