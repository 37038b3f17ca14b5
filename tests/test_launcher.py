"""The launcher as a supervisor. What the runtime as a whole survives is in test_restarts.py and test_isolation.py."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from harness.processes import all_processes, descendants
from harness.runtime import BINARIES, PASSWORD, Runtime, bring_to_an_end, free_port
from harness.waiting import wait_until


class Launched:
    """A launcher with options of its own, and what it prints."""

    def __init__(self, folder, *options, command=(), environment=None):
        self.output = folder / "output"
        environment = environment or {"PATH": os.environ["PATH"], "HOME": str(folder)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, BINARIES / "openplc-launcher", *options], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment, cwd="/", start_new_session=True,
            )  # fmt: skip

    def text(self):
        return self.output.read_text(errors="replace")

    def wait_for(self, pattern, timeout=30):
        return wait_until(lambda: re.search(pattern, self.text()), lambda: f"{pattern} in\n{self.text()}", timeout)

    def child(self, name):
        found = [p for p in descendants(self.process.pid) if p.name == name and p.state != "Z"]
        return found[0] if found else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        children = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            finally:
                self.process.kill()
        for child in children:
            try:
                os.waitpid(child.pid, os.WNOHANG)
            except ChildProcessError:
                pass


def on_a_free_port(folder):
    return "--data", folder / "data", "--listen", f"127.0.0.1:{free_port()}"


def test_the_example_runs_and_shows_its_values(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path), "--example", "blink") as launched:
        launched.wait_for(r"RUNNING .*LAMP=(TRUE|FALSE)")
        counts = {int(count) for count in re.findall(r"SCANS=(\d+)", launched.text())}
        wait_until(lambda: {int(c) for c in re.findall(r"SCANS=(\d+)", launched.text())} - counts, "further scans")
        assert "openplcctl" in launched.text() and "Editor" in launched.text()


def test_an_unknown_example_is_answered_with_the_known_ones(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path), "--example", "nothing") as launched:
        assert launched.process.wait(10) == 1
        assert "blink" in launched.text()


def test_a_service_without_sign_of_life_is_replaced(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path)) as launched:
        launched.wait_for("is ready")
        hanging = launched.child("openplc-core")
        os.kill(hanging.pid, signal.SIGSTOP)
        launched.wait_for(r"openplc-core: gave no sign of life .*SIGABRT")
        launched.wait_for(r"openplc-core: main process was killed by SIGKILL")
        wait_until(lambda: (core := launched.child("openplc-core")) and core.pid != hanging.pid, "another core")


def test_a_service_that_keeps_failing_is_started_ever_more_seldom(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("openplc-launcher", "openplc-api", "openplc-compile"):
        shutil.copy(BINARIES / name, folder / name)
    (folder / "openplc-core").write_text("#!/bin/sh\necho '<3>no luck' >&2\nexit 7\n")
    (folder / "openplc-core").chmod(0o755)
    folder.chmod(0o755)
    output = tmp_path / "output"
    with output.open("wb") as target:
        process = subprocess.Popen(
            [folder / "openplc-launcher", *on_a_free_port(tmp_path)], stdout=target, stdin=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: "in 1600 ms" in output.read_text(), output.read_text, 20)
    finally:
        process.terminate()
        process.wait(30)
    text = output.read_text()
    assert re.findall(r"starts again in (\d+) ms", text)[:5] == ["100", "200", "400", "800", "1600"]
    assert "no luck" in text and "exited with code 7" in text and "<3>" not in text


def test_sockets_are_for_us_only_and_open_from_the_first_moment(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path)) as launched:
        sockets = [tmp_path / "data" / "run" / name for name in ("plc_runtime.socket", "compile.socket")]
        wait_until(lambda: all(path.exists() for path in sockets), "the sockets")
        for path in sockets:
            wait_until(lambda: path.stat().st_mode & 0o777 == 0o660, f"mode of {path}")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
        for name in ("api", "core"):
            wait_until((tmp_path / "data" / name).exists, f"the folder of {name}")
            assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o700
        launched.wait_for("is ready")


def test_no_more_than_two_builds_at_once_and_all_end_with_the_launcher(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path)) as launched:
        launched.wait_for("is ready")
        clients = []
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(tmp_path / "data" / "run" / "compile.socket"))
            clients.append(client)

        def workers():
            return {p.pid for p in descendants(launched.process.pid) if p.name == "openplc-compile" and p.state != "Z"}

        first = wait_until(lambda: (found := workers()) if len(workers()) == 2 else None, "two workers")
        clients[0].close()
        clients[1].close()
        second = wait_until(lambda: (found := workers()) if len(workers() - first) == 2 else None, "two more")
        folders = tmp_path / "data" / "run" / "builds"
        wait_until(lambda: len(list(folders.iterdir())) == 2, "folders of ended builds to be removed")
        launched.process.terminate()
        assert launched.process.wait(20) == 0
        assert not any(p.pid in second and p.state != "Z" for p in all_processes())
        for client in clients:
            client.close()


def test_a_second_signal_ends_the_waiting(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path)) as launched:
        launched.wait_for("is ready")
        os.kill(launched.child("openplc-api").pid, signal.SIGSTOP)
        launched.process.terminate()
        launched.wait_for("SIGTERM: stopping")
        launched.process.terminate()
        assert launched.process.wait(8) == 0, "sooner than the ten seconds that a service has"
        assert "openplc-api: main process was killed by SIGKILL" in launched.text()
        assert "openplc-core: main process exited with code 0" in launched.text(), "the core still ends in order"


def test_services_end_when_the_launcher_is_killed(tmp_path):
    with Launched(tmp_path, *on_a_free_port(tmp_path)) as launched:
        launched.wait_for("is ready")
        services = {p.pid for p in descendants(launched.process.pid)}
        assert len(services) == 2
        launched.process.kill()
        launched.process.wait()
        wait_until(lambda: not any(p.pid in services and p.state != "Z" for p in all_processes()), "their end")
        for pid in services:
            os.waitpid(pid, 0)


def test_services_hold_no_privilege(runtime):
    for name in ("openplc-api", "openplc-core"):
        pid = runtime.process(name).pid
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
        assert fields["NoNewPrivs"] == "1", name
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0, name
        # CAP_SYS_NICE is the one that the core is given, and has given up by now.
        assert int(fields["CapBnd"], 16) & ~(1 << 23) == 0 or os.geteuid() != 0, name
        with open(f"/proc/{pid}/environ", "rb") as environment:
            assert b"HOME=" not in environment.read(), "a clean environment"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_in_their_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.stat().st_mode & 0o001 == 0 and "pytest" in str(folder):
            folder.chmod(0o711)
    binaries = tmp_path / "bin"
    shutil.copytree(BINARIES, binaries, ignore=lambda folder, names: {n for n in names if not n.startswith("openplc-") or "." in n})  # fmt: skip
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    output = tmp_path / "user-output"
    port = free_port()
    with output.open("wb") as target:
        process = subprocess.Popen(
            [*user, binaries / "openplc-launcher", "--listen", f"127.0.0.1:{port}", "--example", "blink"],
            env={"PATH": os.environ["PATH"], "HOME": str(home)}, cwd="/", stdin=subprocess.DEVNULL, stdout=target,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_until(lambda: "LAMP=" in output.read_text(), output.read_text, 40)
        assert (home / ".local/state/openplc-runtime/api").stat().st_uid == 12345
    finally:
        process.terminate()
        assert process.wait(30) == 0


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
