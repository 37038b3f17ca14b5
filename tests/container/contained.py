"""The runtime as a user of a container engine has it: the image, started as `docker run` would."""

import json
import os
import resource
import signal
import socket
import subprocess
import uuid
from pathlib import Path

from harness.processes import all_processes, descendants
from harness.runtime import START_TIME, STOP_TIME, Runtime
from harness.waiting import wait_until

IMAGE = os.environ.get("OPENPLC_CONTAINER_IMAGE")
# The options of OpenPLC Runtime v4's README.
REAL_TIME = ("--cap-add=SYS_NICE", "--cap-add=SYS_RESOURCE")
VOLUME = "/var/run/runtime"


# Podman would grant more open files and processes than it may be able to.
OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
LIMITS = (f"--ulimit=nofile={OPEN_FILES}:{OPEN_FILES}", "--ulimit=nproc=4096:4096")


def podman(*arguments, check=True, timeout=180):
    done = subprocess.run(
        ["podman", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
    )
    assert not check or done.returncode == 0, f"podman {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


class ContainedRuntime(Runtime):
    """`data` is the volume. The container goes when it stops, so that each start makes a new one from the image."""

    def __init__(self, data):
        super().__init__(data)
        self.name = f"openplc-{uuid.uuid4().hex[:12]}"
        self.capabilities = REAL_TIME
        self.volume = (f"--volume={data}:{VOLUME}",)
        self.init = None

    @property
    def pid(self):
        return self.init

    def start(self):
        self.data.mkdir(exist_ok=True)
        self.start_container()
        self.wait_for_answer()
        return self

    def start_container(self):
        """What `docker run` does, until the launcher runs."""
        with self.output.open("ab") as output:
            # Attached: the client forwards signals, and ends with the code of the container.
            self.launcher = subprocess.Popen(
                [
                    *("podman", "run", "--rm", f"--name={self.name}", f"--publish=127.0.0.1:{self.port}:8443"),
                    # Podman would have systemd check it again and again; the tests ask by themselves.
                    "--health-interval=disable",
                    *(*LIMITS, *self.capabilities, *self.volume, *self.options, IMAGE),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.init = wait_until(self.find_init, lambda: f"the container\n{self.log()}", START_TIME)

    def find_init(self):
        if self.launcher.poll() is not None:
            raise AssertionError(f"podman ended with {self.launcher.returncode}:\n{self.log()}")
        found = podman("inspect", "--format={{.State.Pid}}", self.name, check=False).stdout.strip()
        return int(found) if found.isdigit() and found != "0" else None

    def kill(self):
        """`docker kill`: everything at once."""
        if self.launcher is not None:
            podman("kill", "--signal=KILL", self.name, check=False)
            try:
                self.launcher.wait(STOP_TIME)
            finally:
                self.launcher.kill()
                self.launcher.wait()
                self.launcher = None
                podman("rm", "--force", "--ignore", "--time=0", self.name, check=False)

    def inside(self, *command, user=None, check=True):
        """`docker exec`."""
        options = () if user is None else (f"--user={user}",)
        return podman("exec", *options, self.name, *command, check=check)

    def inspect(self, template):
        return json.loads(podman("inspect", f"--format={{{{json {template}}}}}", self.name).stdout)

    def all_inside(self):
        """Every process of the container that has not ended, whoever its parent is; numbers are the host's."""
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        found = []
        for process in all_processes():
            try:
                if process.state != "Z" and os.readlink(f"/proc/{process.pid}/ns/pid") == namespace:
                    found.append(process)
            except OSError:
                continue  # it ended while we looked
        return found

    def zombies(self):
        return [process for process in descendants(self.init) if process.state == "Z"]

    def listening(self):
        """Protocols and ports."""
        found = set()
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/{self.init}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" or table.startswith("udp"):
                    found.add((table[:3], int(fields[1].rsplit(":", 1)[1], 16)))
        return found

    def health(self):
        """What the image's HEALTHCHECK says: 0 when all is well."""
        return podman("healthcheck", "run", self.name, check=False).returncode

    def silent_connection(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def stop_within(self, seconds):
        """`docker stop`, which kills what does not end within ten seconds by itself. Returns the exit code."""
        os.kill(self.init, signal.SIGTERM)
        try:
            return self.launcher.wait(seconds)
        finally:
            self.kill()
