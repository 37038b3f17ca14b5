"""A container's life: start, stop, kill, a new one from the same volume, and what goes wrong on the way."""

import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from catalogue import single_task
from container.contained import IMAGE, LIMITS, podman
from harness.debug_protocol import Debugger
from harness.programs import bundle, slow_to_compile
from harness.runtime import PASSWORD, REPOSITORY, bring_to_an_end
from harness.scans import Scans
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable

# What `docker stop` waits for.
GRACE = 10.0
# Of each process, in each state of the PLC.
KILLS = int(os.environ.get("OPENPLC_TEST_KILLS", 5))
# Repeats a run that has failed.
SEED = int(os.environ.get("OPENPLC_TEST_SEED", time.time_ns() % 1_000_000))


def state_of(api):
    """None while the API is away."""
    try:
        return api.state()
    except (OSError, AssertionError):
        return None


def runs(container, api, editor, program):
    wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run:\n{container.log()[-3000:]}")
    wait_until(lambda: api.scan_count() > 0, "a scan")
    session = editor.connect(container.url, api.token)
    assert Debugger(session, program.variables).md5() == program.md5
    session.disconnect()


class TestStop:
    @pytest.mark.parametrize("hanging", [None, "openplc-api", "openplc-core"])
    def test_ends_in_order_within_the_grace_of_docker(self, container, programs, lasting_build, hanging):
        """With a program, a Python block, a build, silent clients, and perhaps a service that hangs."""
        container.start()
        api = container.login()
        api.deploy(programs.python.zip())
        with ExitStack() as silent:
            for _ in range(3):
                silent.enter_context(container.silent_connection())
            assert api.upload(lasting_build.zip(), clean=True).status == 200
            wait_until(lambda: any(p.name == "cc1plus" for p in container.all_inside()), "the compiler")
            if hanging:
                os.kill(container.process(hanging).pid, signal.SIGSTOP)
            assert container.stop_within(GRACE) == 0
        for name in {"openplc-api", "openplc-core"} - {hanging}:
            assert f"{name}: main process exited with code 0" in container.log()
        container.start()
        api = container.login()
        wait_until(lambda: api.state() == "RUNNING", "the program of before")

    def test_what_was_commanded_last_survives(self, container, programs, editor):
        container.start()
        api = container.login()
        api.deploy(programs.blink.zip())
        assert api.stop() == "STOP:OK"
        assert container.stop_within(GRACE) == 0
        container.start()
        assert api.state() == "STOPPED", "and the token is good"
        assert api.start() == "START:OK"
        container.kill()
        container.start()
        runs(container, api, editor, programs.blink)


def processes(container, name):
    """Those of that name, but not what a Python block starts for itself: nobody but the block can reap that."""
    inside = container.all_inside()
    blocks = {p.pid for p in inside if p.name == "python3.11"}
    return [p for p in inside if p.name == name and p.parent not in blocks]


def kill(container, chance, name):
    """One of the processes of that name, which may end, and others come, while we look."""
    while True:
        found = wait_until(lambda: processes(container, name), f"a process {name}")
        try:
            chance.choice(found).kill()
            return
        except ProcessLookupError:
            continue


class TestKill:
    @pytest.mark.timeout(120 + 60 * KILLS)
    @pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
    def test_each_process_at_random_moments_under_load(self, container, programs, editor, state):
        print(f"OPENPLC_TEST_SEED={SEED}")
        chance = random.Random(f"{SEED} {state}")
        container.start()
        api = container.login()
        python = programs.python
        api.deploy(python.zip())
        names = ["openplc-api", "openplc-core", "openplc-compile", "cc1plus"]
        if state == "STOPPED":
            # A program that is built anew would be started.
            assert api.stop() == "STOP:OK"
            built = slow_to_compile(programs.broken, amount=2)
        else:
            names.append("python3.11")
            built = slow_to_compile(python, amount=2)
        victims = chance.sample(names, counts=[KILLS] * len(names), k=KILLS * len(names))
        load = Load(container, api.token, built.zip())
        try:
            for number, name in enumerate(victims):
                time.sleep(chance.uniform(0, 0.3))
                kill(container, chance, name)
                wait_until(
                    lambda: state_of(api) == state,
                    lambda: f"{state} after kill {number}, of {name}:\n{container.log()[-3000:]}",  # noqa: B023
                )
        finally:
            load.end()
        assert not load.wrong, load.wrong
        # The last upload either became the program or did not: never anything else.
        assert api.state() == state
        session = editor.connect(container.url, api.token)
        assert Debugger(session, {}).md5() in (python.md5, built.md5)
        session.disconnect()
        container.api().login("engineer", PASSWORD)
        assert container.launcher.poll() is None
        wait_until(lambda: not container.zombies(), lambda: f"all reaped: {container.zombies()}")

    def test_an_orphan_is_reaped(self, runtime):
        runtime.inside("sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.1 & ); done")
        wait_until(lambda: not any(p.name == "sleep" for p in runtime.all_inside()), "the end of the orphans")
        wait_until(lambda: not runtime.zombies(), lambda: f"all reaped: {runtime.zombies()}")

    def test_what_a_program_leaves_behind_ends_with_the_core(self, runtime, api):
        """It left session and process group, so that no signal to these reaches it."""
        leave = """
#include <unistd.h>
void setup() {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) execl("/usr/bin/sleep", "sleep", "1000", (char *)0);
    _exit(0);
  }
  DONE = 1;
}
void loop() {}
"""
        block = CBlock("LEAVE", [Variable("X", "BOOL", "INPUT")], [Variable("DONE", "INT", "OUTPUT")], leave)
        program = single_task(
            "leave", [Variable("BLOCK", "LEAVE")], "\n  BLOCK(X := FALSE);\n", pous=[block.pou()], c_blocks=[block]
        )
        api.deploy(bundle(program).zip())

        def left_behind():
            return [process for process in runtime.all_inside() if process.name == "sleep"]

        first = wait_until(left_behind, "the process")
        runtime.kill_process("openplc-core")
        wait_until(lambda: not {p.pid for p in first} & {p.pid for p in left_behind()}, "its end")


class Load:
    """Questions and uploads without pause from threads of their own, while the runtime loses processes."""

    def __init__(self, container, token, archive):
        self.container, self.token, self.archive = container, token, archive
        self.ended = threading.Event()
        self.wrong = []
        self.threads = [threading.Thread(target=work) for work in (self.ask, self.ask, self.build)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        api = self.container.api(self.token)
        while not self.ended.is_set():
            try:
                answer = api.get("/api/status?include_stats=true")
                if answer.status != 200:
                    self.wrong.append(answer)
            except OSError:
                pass  # the API was killed: a client tries again

    def build(self):
        api = self.container.api(self.token)
        while not self.ended.is_set():
            try:
                api.upload(self.archive, clean=True)
                # With the API its knowledge of the build goes: what waits for a compiler to kill shall not wait for longer.
                api.follow_build(timeout=20)
            except (OSError, AssertionError):
                pass

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_the_image_has_what_the_package_has(runtime):
    packed = (REPOSITORY / "debian" / "openplc-runtime.install").read_text()
    expected = set(re.findall(r"target/release/(\S+) usr/(?:bin|lib/openplc-runtime)$", packed, re.MULTILINE))
    listed = runtime.inside("ls", "/usr/bin", "/usr/lib/openplc-runtime").stdout.split()
    assert {name for name in listed if name.startswith(("openplc", "libopenplc"))} == expected


def test_accounts_of_openplc_runtime_v4_are_taken_over_from_the_volume(container):
    """As its image, all of whose processes are root, leaves them."""
    container.start()
    container.login()
    container.stop()
    for name in (".env", "restapi.db"):
        shutil.move(container.data / "api" / name, container.data / name)
        os.chown(container.data / name, 0, 0)
    for folder in ("api", "core"):
        shutil.rmtree(container.data / folder)
    container.start()
    container.api().login("engineer", PASSWORD)
    assert "Took over the accounts" in container.log()


def test_a_second_container_on_the_same_volume_is_refused(runtime, api):
    second = podman("run", "--rm", *LIMITS, f"--volume={runtime.data}:/run/runtime", IMAGE, check=False)
    assert second.returncode == 1, second
    assert "Another launcher is using /run/runtime" in second.stdout
    assert runtime.answers()


def test_both_names_of_the_volume_are_the_same_place(container, programs, editor):
    container.volume = (f"--volume={container.data}:/run/runtime",)
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    container.stop()
    container.volume = (f"--volume={container.data}:/var/run/runtime",)
    container.start()
    runs(container, api, editor, programs.blink)


def test_a_read_only_root_is_no_hindrance(container, programs, editor):
    """As by `docker run --read-only`: no file system is writable but the volume and what Docker mounts below /dev."""
    container.options = ["--read-only", "--read-only-tmpfs=false"]
    container.start()
    api = container.login()
    api.deploy(programs.python.zip())
    container.kill_process("openplc-core")
    runs(container, api, editor, programs.python)
    assert container.inside("touch", "/mark", check=False).returncode != 0


def test_no_new_privileges_and_few_capabilities_are_enough(container, programs):
    """What docs/operations.md names as the least."""
    least = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETPCAP", "SETUID", "SYS_NICE")
    container.capabilities = ("--cap-drop=ALL", *(f"--cap-add={name}" for name in least))
    container.options = ["--security-opt=no-new-privileges"]
    container.start()
    container.login().deploy(programs.blink.zip())
    assert "SCHED_FIFO" in container.login().get("/api/status?include_stats=true").json()["runtime"]["real_time"]
    container.restart()


def test_the_health_check_tells_whether_the_api_answers(container):
    container.start()
    assert container.health() == 0
    api = container.process("openplc-api").pid
    os.kill(api, signal.SIGSTOP)
    assert container.health() != 0
    os.kill(api, signal.SIGCONT)
    wait_until(container.answers, "the API")
    assert container.health() == 0


@pytest.fixture
def full(container):
    """A volume on which nothing but a megabyte is free, once it is filled."""
    container.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", container.data], check=True)
    ballast = container.data / "ballast"

    def fill():
        with ballast.open("wb") as file:
            try:
                while file.write(bytes(1 << 16)):
                    file.flush()
            except OSError:
                pass

    yield fill, ballast
    bring_to_an_end(container)
    subprocess.run(["umount", "--lazy", container.data], check=True)


def test_a_full_volume_stops_no_scan_and_keeps_nobody_from_starting(container, full, programs, editor, witness):
    fill, ballast = full
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    fill()
    scans = Scans(api, witness)
    assert api.upload(programs.types.zip(), clean=True).status == 200
    build = api.follow_build()
    assert build.status == "FAILED" and "space" in build.text, build.text
    scans.check()
    assert api.state() == "RUNNING"

    # A new container on the full volume: what was there runs.
    container.stop()
    container.start()
    api = container.login()
    runs(container, api, editor, programs.blink)

    ballast.unlink()
    api.deploy(programs.types.zip())


def test_without_a_compiler_uploads_fail_and_say_why(container, programs, witness):
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    scans = Scans(api, witness)
    container.inside("mv", "/usr/bin/g++", "/usr/bin/g++.away")
    assert api.upload(programs.types.zip(), clean=True).status == 200
    build = api.follow_build()
    assert build.status == "FAILED" and "g++" in build.text and "install" in build.text.lower(), build.text
    assert api.state() == "RUNNING"
    scans.check()
    container.inside("mv", "/usr/bin/g++.away", "/usr/bin/g++")
    api.deploy(programs.types.zip(), clean=True)


def hang(container, api, editor, program):
    """In later scans: one that hangs in its first scans makes way for the program before it."""
    core = container.process("openplc-core").pid
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    debugger = Debugger(editor.connect(container.url, api.token), program.variables)
    try:
        debugger.force("TRIGGER", True)
    except (AssertionError, ConnectionError):
        pass  # the core may hang before it has answered
    debugger.client.disconnect()
    wait_until(lambda: container.process("openplc-core").pid != core, "the launcher's watchdog")


def test_a_scan_without_end_is_killed_and_ends_in_error_at_the_second_time(container, programs, editor):
    container.start()
    api = container.login()
    api.deploy(programs.endless.zip())
    hang(container, api, editor, programs.endless)
    wait_until(lambda: state_of(api) == "RUNNING", "the program to run again")
    hang(container, api, editor, programs.endless)
    wait_until(lambda: state_of(api) == "ERROR", lambda: f"ERROR:\n{container.log()[-3000:]}")
    api.deploy(programs.blink.zip())
