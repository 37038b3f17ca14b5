"""A container's life: start, stop, kill, a new one from the same volume, and what goes wrong on the way."""

import os
import random
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
from harness.programs import bundle
from harness.runtime import PASSWORD, bring_to_an_end
from harness.waiting import wait_until
from matiec.c_block import CBlock
from matiec.model import Variable

# What `docker stop` waits for.
GRACE = 10.0
ROUNDS = 12


def runs(container, api, editor, program):
    wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run:\n{container.log()[-3000:]}", 20)
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


class TestKill:
    @pytest.mark.timeout(240)
    def test_each_process_at_random_moments_under_load(self, container, programs, editor, lasting_build):
        container.start()
        api = container.login()
        api.deploy(programs.python.zip())
        names = ["openplc-api", "openplc-core", "openplc-compile", "cc1plus", "python3.11"]
        load = Load(container, api.token, lasting_build.zip())
        luck = random.Random(20)
        try:
            for number in range(ROUNDS):
                time.sleep(luck.uniform(0, 0.7))
                name = names[number % len(names)]
                found = [process for process in container.all_inside() if process.name == name]
                if found:
                    luck.choice(found).kill()
                wait_until(container.answers, "the API", 20)
        finally:
            load.end()
        assert not load.wrong, load.wrong
        # The last upload either became the program or did not: never anything else.
        wait_until(lambda: api.state() == "RUNNING", lambda: f"the program:\n{container.log()[-3000:]}", 20)
        session = editor.connect(container.url, api.token)
        assert Debugger(session, {}).md5() in (programs.python.md5, lasting_build.md5)
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
                api.follow_build()
            except (OSError, AssertionError):
                pass  # with the API its knowledge of the build has gone

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


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


def test_a_full_volume_stops_no_scan_and_keeps_nobody_from_starting(container, full, programs, editor):
    fill, ballast = full
    container.start()
    api = container.login()
    api.deploy(programs.blink.zip())
    fill()
    before = api.scan_count()
    assert api.upload(programs.types.zip(), clean=True).status == 200
    build = api.follow_build()
    assert build.status == "FAILED" and "space" in build.text, build.text
    wait_until(lambda: api.scan_count() > before, "scans")
    assert api.state() == "RUNNING"

    # A new container on the full volume: what was there runs.
    container.stop()
    container.start()
    api = container.login()
    runs(container, api, editor, programs.blink)

    ballast.unlink()
    api.deploy(programs.types.zip())
