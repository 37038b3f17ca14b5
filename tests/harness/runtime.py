"""A runtime as a user starts it: `openplc-launcher` with a folder and an address of its own."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness.api import Api
from harness.processes import Process, all_processes, descendants
from harness.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("OPENPLC_BIN_DIR", REPOSITORY / "target" / "release"))
START_TIME = 20.0
STOP_TIME = 20.0

PASSWORD = "correct horse battery staple"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Runtime:
    """One launcher, its children and their folder. The folder outlives `stop`, so that `start` is a restart."""

    def __init__(self, data: Path):
        self.data = data
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.output = data.parent / f"{data.name}.log"
        self.launcher = None
        self.options = []

    @property
    def pid(self):
        """Of the launcher."""
        return self.launcher.pid

    def start(self):
        self.data.mkdir(exist_ok=True)
        # A runtime must not depend on the folder or the environment it was started in.
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        with self.output.open("ab") as output:
            self.launcher = subprocess.Popen(
                [
                    BINARIES / "openplc-launcher",
                    *("--data", self.data),
                    *("--listen", f"127.0.0.1:{self.port}"),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        self.wait_for_answer()
        return self

    def wait_for_answer(self):
        wait_until(self.answers, lambda: f"an answer of {self.url}\n{self.log()}", START_TIME)

    def answers(self):
        if self.launcher.poll() is not None:
            raise AssertionError(f"the launcher ended with {self.launcher.returncode}:\n{self.log()}")
        try:
            return self.api().request("GET", "/api/get-users-info", timeout=2).status in (200, 404)
        except OSError:
            return False

    def stop(self):
        """SIGTERM, as systemd or a container engine would; nothing may be left behind."""
        if self.launcher is None:
            return
        processes = self.processes()
        self.launcher.send_signal(signal.SIGTERM)
        try:
            code = self.launcher.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the launcher did not end within {STOP_TIME} s of SIGTERM:\n{self.log()}") from None
        self.launcher = None
        left = [process for process in descendants(os.getpid()) if process.pid in {p.pid for p in processes}]
        left = [process for process in left if process.state != "Z"]
        for process in left:
            process.kill()
        self.reap(processes)
        assert not left, f"left behind by the launcher: {left}\n{self.log()}"
        assert code == 0, f"the launcher ended with {code}:\n{self.log()}"

    def kill(self):
        """Ends everything at once."""
        if self.launcher is not None:
            processes = self.processes()
            self.launcher.kill()
            self.launcher.wait()
            self.launcher = None
            for process in processes:
                try:
                    process.kill()
                except ProcessLookupError:
                    pass
            self.reap(processes)

    @staticmethod
    def reap(processes):
        """Orphans became children of this process, which has to collect them."""
        for process in processes:
            try:
                os.waitpid(process.pid, 0)
            except ChildProcessError:
                pass

    def restart(self):
        self.stop()
        self.start()

    def log(self, start=0):
        if not self.output.exists():
            return ""
        return self.output.read_bytes()[start:].decode(errors="replace")

    def output_size(self):
        return self.output.stat().st_size if self.output.exists() else 0

    def api(self, token=None):
        return Api(self.port, token)

    def login(self, username="engineer", password=PASSWORD):
        """A client with a token of its own; the first call makes the first user."""
        api = self.api()
        if api.users_info().status == 404:
            created = api.create_user(username, password)
            assert created.status == 201, created
        api.login(username, password)
        return api

    def processes(self):
        return descendants(self.pid)

    def process(self, name) -> Process:
        """The one process that executes the binary `name`."""

        def find():
            found = [process for process in all_processes() if process.pid == self.pid] + self.processes()
            found = [process for process in found if process.name == name and process.state != "Z"]
            return found[0] if found else None

        return wait_until(find, lambda: f"a process {name} among {self.processes()}\n{self.log()}")

    def kill_process(self, name):
        """kill -9, and waits until it is gone."""
        victim = self.process(name)
        victim.kill()

        def gone():
            return not any(p.pid == victim.pid and p.state != "Z" for p in self.processes())

        wait_until(gone, f"the end of {victim}")
        return victim


def bring_to_an_end(runtime):
    """For fixtures: a clean stop, and whatever happens no process is left."""
    try:
        runtime.stop()
    finally:
        runtime.kill()


def sleep_until(moment):
    """Sleeps until a moment of time.monotonic(): the passing of time itself is what is observed, for example scans."""
    time.sleep(max(0.0, moment - time.monotonic()))
