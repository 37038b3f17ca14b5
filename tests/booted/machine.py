"""A Debian 12, or another system, under systemd, booted by systemd-nspawn from a copy of the base that `make-base` makes.

It shares the network of the test process, which `run` gives a namespace of its own; so its port 8443 is at 127.0.0.1.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from harness.processes import descendants
from harness.waiting import wait_until

BASE = Path(os.environ["OPENPLC_BOOTED"]) / "base"
PACKAGE = Path(os.environ["OPENPLC_BOOTED"]) / "package"
# By itself, whatever other machines run on this computer.
NAME = f"openplc-booted-{os.getpid()}"
IN_OWN_GROUP = Path(__file__).with_name("in-own-group")
START_TIME = 180.0
STOP_TIME = 120.0
# `degraded`: some unit of the distribution cannot do its work in a container; that is no concern of ours.
UP = ("running", "degraded")
LENT = ("memory", "pids")


class Machine:
    """The root outlives `shutdown`, so that `boot` is a reboot."""

    def __init__(self, folder: Path):
        self.root = folder / "root"
        self.console = folder / "console.log"
        subprocess.run(["cp", "--archive", "--reflink=auto", f"{BASE}/.", self.root], check=True)
        self.nspawn = None
        self.init = None

    def boot(self):
        with self.console.open("ab") as console:
            self.nspawn = subprocess.Popen(
                [
                    *(IN_OWN_GROUP, NAME, "systemd-nspawn", "--quiet", "--boot"),
                    *("--directory", self.root, f"--machine={NAME}"),
                    *("--register=no", "--keep-unit"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.is_up, lambda: f"the end of booting\n{self.console.read_text(errors='replace')}", START_TIME)
        self.lend_controllers()
        return self

    def lend_controllers(self):
        """Where control groups are those of version 1, a container is only shown them: limits of memory and tasks would be none."""
        lent = [name for name in LENT if self.run("mount", "-o", "remount,bind,rw", f"/sys/fs/cgroup/{name}", check=False).returncode == 0]
        if lent:
            self.run("systemctl", "daemon-reexec")
            wait_until(self.is_up, "systemd to be back", START_TIME)

    def is_up(self):
        assert self.nspawn.poll() is None, self.console.read_text(errors="replace")
        children = [p for p in descendants(self.nspawn.pid) if p.parent == self.nspawn.pid and p.name == "systemd"]
        if not children:
            return False
        self.init = children[0].pid
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in UP

    def shutdown(self):
        """Orderly, as by a power button."""
        if self.nspawn is None:
            return
        self.nspawn.send_signal(signal.SIGTERM)
        try:
            self.nspawn.wait(STOP_TIME)
        finally:
            self.kill()

    def reboot(self):
        self.shutdown()
        self.boot()

    def kill(self):
        if self.nspawn is not None and self.nspawn.poll() is None:
            for process in descendants(self.nspawn.pid):
                if process.parent == self.nspawn.pid:
                    process.kill()  # PID 1 of a PID namespace takes all others with it
            self.nspawn.kill()
            self.nspawn.wait()
        self.nspawn = self.init = None

    def remove(self):
        self.kill()
        remove_groups(NAME)
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, *command, user=None, check=True, text=None, timeout=180):
        """Runs a command in it as root, or as another user."""
        if user is not None:
            command = ("runuser", "-u", user, "--", *command)
        done = subprocess.run(
            [
                *("nsenter", "--target", str(self.init)),
                *("--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"),
                *("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"),
                *("DEBIAN_FRONTEND=noninteractive", *command),
            ],
            **({"stdin": subprocess.DEVNULL} if text is None else {"input": text}),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        said = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{shlex.join(command)}: {done.returncode}\n{said}"
        return done

    def output(self, *command, **options):
        return self.run(*command, **options).stdout.strip()

    def properties(self, unit, *names):
        text = self.output("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in text.splitlines())

    def active(self, unit):
        return self.run("systemctl", "is-active", unit, check=False).stdout.strip()

    def memory_limit(self, unit):
        """Of a service that runs, in bytes, as the kernel has it; None where it has none."""
        group = self.properties(unit, "ControlGroup")["ControlGroup"]
        for file in (f"memory{group}/memory.limit_in_bytes", f"{group[1:]}/memory.max"):
            path = self.path_of_init(f"/sys/fs/cgroup/{file}")
            if group and path.exists():
                text = path.read_text().strip()
                return int(text) if text.isdigit() else None
        return None

    def journal(self, *options):
        """Entries as dictionaries, the oldest first."""
        return [json.loads(line) for line in self.output("journalctl", "--output=json", *options).splitlines()]

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def path_of_init(self, inside):
        """Also what is mounted there."""
        return Path(f"/proc/{self.init}/root") / inside.lstrip("/")

    def processes(self, name):
        """Processes in it that execute the binary `name`; their numbers are the host's."""
        found = descendants(self.init)
        return [p for p in found if p.name.removesuffix(" (deleted)") == name and p.state != "Z"]

    def main_process(self, unit):
        """The main process of a service that runs; its number is the host's."""
        inside = self.properties(unit, "MainPID")["MainPID"]
        for process in descendants(self.init):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
            if numbers[-1] == inside:
                return process
        return None

    def listening(self):
        """Listening TCP and UDP addresses as (protocol, port)."""
        lines = self.output("ss", "--no-header", "--listening", "--tcp", "--udp", "--numeric").splitlines()
        return {(line.split()[0], int(line.split()[4].rsplit(":", 1)[1])) for line in lines}


def remove_groups(name):
    """Control groups outlive the processes for which they were made, and are removed from the innermost on."""
    groups = list(Path("/sys/fs/cgroup").glob(f"**/{name}"))

    def gone():
        for group in groups:
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    return False  # one of its processes has not ended yet
        return True

    wait_until(gone, f"the end of all processes in {groups}", STOP_TIME)
