"""The launcher as a supervisor: privileges, back-off, builds, the end. It stands in for systemd, so this is what systemd
would do. What the runtime as a whole survives is in test_restarts.py and test_isolation.py."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness.processes import all_processes, descendants
from harness.runtime import BINARIES, PASSWORD, Runtime, bring_to_an_end, free_port
from harness.waiting import wait_until

CAP_SYS_NICE = 1 << 23


def is_alive(pid):
    return any(process.pid == pid and process.state != "Z" for process in all_processes())


class Launched:
    """A launcher in a folder of its own, with binaries and a user to choose, and what it prints."""

    def __init__(self, folder, *options, binaries=BINARIES, user=()):
        self.output = folder / "output"
        self.data = folder / "data"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*user, binaries / "openplc-launcher", "--listen", f"127.0.0.1:{free_port()}", *options],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "OPENPLC_PASSWORD": "secret"},
            )  # fmt: skip

    def text(self):
        return self.output.read_text(errors="replace")

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, self.text()), lambda: f"{pattern} in\n{self.text()}", 30)

    def children(self):
        launcher = self.process.pid
        return [p for p in descendants(launcher) if p.parent == launcher and p.state != "Z"]

    def child(self, name):
        return wait_until(lambda: next((p for p in self.children() if p.name == name), None), f"a process {name}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                assert self.process.wait(30) == 0, self.text()
            finally:
                self.process.kill()


def in_a_folder(tmp_path):
    return "--data", tmp_path / "data"


def test_services_hold_no_privilege_and_know_no_secret(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")
        for name in ("openplc-api", "openplc-core"):
            pid = launched.child(name).pid
            with open(f"/proc/{pid}/status") as status:
                fields = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
            assert fields["NoNewPrivs"] == "1", name
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0, name
            if os.geteuid() == 0:
                assert int(fields["CapBnd"], 16) & ~CAP_SYS_NICE == 0, name
            with open(f"/proc/{pid}/environ") as environment:
                names = {entry.split("=")[0] for entry in environment.read().split("\0")}
            assert not names & {"HOME", "OPENPLC_PASSWORD"}, "a clean environment"


def test_sockets_and_folders_are_private(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")
        for name in ("plc_runtime.socket", "compile.socket"):
            assert (launched.data / "run" / name).stat().st_mode & 0o777 == 0o660, name
        for name in ("api", "core", "run"):
            assert (launched.data / name).stat().st_mode & 0o777 == 0o700, name


def test_a_service_that_keeps_failing_is_started_ever_more_seldom(tmp_path):
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in ("openplc-launcher", "openplc-api", "openplc-compile"):
        shutil.copy(BINARIES / name, binaries / name)
    (binaries / "openplc-core").write_text("#!/bin/sh\necho '<3>no luck' >&2\nexit 7\n")
    (binaries / "openplc-core").chmod(0o755)
    with Launched(tmp_path, *in_a_folder(tmp_path), binaries=binaries) as launched:
        launched.wait_for("in 1600 ms")
        delays = re.findall(r"starts again in (\d+) ms", launched.text())
        assert delays == ["100", "200", "400", "800", "1600"]
        assert re.search(r"openplc-core\[\d+\]: no luck", launched.text()), "without its priority prefix"
        assert "exited with code 7" in launched.text()


def test_a_notification_is_believed_from_the_service_only(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as impostor:
            impostor.connect(str(launched.data / "run" / "notify.socket"))
            core = launched.child("openplc-core").pid
            for _ in range(20):
                impostor.send(b"WATCHDOG=trigger\nSTATUS=nonsense")
        os.kill(core, signal.SIGKILL)
        launched.wait_for("openplc-core: main process was killed by SIGKILL")
        assert "nonsense" not in launched.text() and "trigger" not in launched.text()


def test_no_more_than_two_builds_at_once_and_none_outlives_the_launcher(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")

        def workers():
            return {process.pid for process in launched.children() if process.name == "openplc-compile"}

        clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for client in clients:
            client.connect(str(launched.data / "run" / "compile.socket"))
        first = wait_until(lambda: found if len(found := workers()) == 2 else None, "two workers")
        clients[0].close()
        clients[1].close()
        second = wait_until(lambda: found if len(found := workers() - first) == 2 else None, "two more")
        folders = launched.data / "run" / "builds"
        wait_until(lambda: len(list(folders.iterdir())) == 2, "the folders of ended builds to be gone")
        launched.process.terminate()
        assert launched.process.wait(20) == 0
        assert not any(is_alive(pid) for pid in second)
        for client in clients:
            client.close()


def test_a_signal_that_is_repeated_ends_the_waiting(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")
        os.kill(launched.child("openplc-api").pid, signal.SIGSTOP)
        launched.process.terminate()
        launched.wait_for("SIGTERM: stopping")
        launched.process.terminate()
        time.sleep(1.2)  # two signals within a second are one
        assert "SIGKILL" not in launched.text()
        launched.process.terminate()
        assert launched.process.wait(6) == 0, "sooner than the ten seconds that a service has"
        assert "openplc-api: main process was killed by SIGKILL" in launched.text()
        assert "openplc-core: main process exited with code 0" in launched.text(), "the core still ends in order"


def test_services_end_when_the_launcher_is_killed(tmp_path):
    with Launched(tmp_path, *in_a_folder(tmp_path)) as launched:
        launched.wait_for("is ready")
        services = [process.pid for process in launched.children()]
        assert len(services) == 2
        launched.process.kill()
        launched.process.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in services), "their end")
        for pid in services:
            os.waitpid(pid, 0)


@pytest.fixture
def short_folder():
    """A folder as near to the root as a home is, which others may enter: sockets have short paths."""
    with tempfile.TemporaryDirectory(prefix="plc") as folder:
        os.chmod(folder, 0o711)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_in_their_home(short_folder):
    home, binaries = short_folder / "home", short_folder / "bin"
    home.mkdir()
    binaries.mkdir()
    os.chown(home, 12345, 12345)
    for name in ("openplc-launcher", "openplc-api", "openplc-core", "openplc-compile"):
        shutil.copy(BINARIES / name, binaries / name)
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    with Launched(home, "--example", "blink", binaries=binaries, user=user) as launched:
        launched.wait_for(r"LAMP=(TRUE|FALSE)")
        assert "root" not in launched.text()
        assert (home / ".local/state/openplc-runtime/api").stat().st_uid == 12345


def test_accounts_of_openplc_runtime_v4_are_taken_over(tmp_path_factory):
    """The data folder of an OpenPLC Runtime v4 becomes ours: its users log in with their passwords."""
    old = Runtime(tmp_path_factory.mktemp("old") / "data")
    new = Runtime(tmp_path_factory.mktemp("new") / "data")
    try:
        old.start().login()
        old.stop()
        new.data.mkdir()
        for name in (".env", "restapi.db"):
            shutil.copy(old.data / "api" / name, new.data / name)
        new.start()
        assert new.api().users_info().status == 200
        new.api().login("engineer", PASSWORD)
        assert "Took over the accounts" in new.log()
        assert (new.data / "restapi.db").exists(), "the original stays"
    finally:
        bring_to_an_end(old)
        bring_to_an_end(new)
