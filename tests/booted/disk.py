"""The runtime's state on a small file system of its own, which tests fill or make read-only."""

from contextlib import contextmanager

from booted.plant import STATE

UNITS = (
    "openplc-api.socket",
    "openplc-discovery.socket",
    "openplc-api.service",
    "openplc-core.socket",
    "openplc-core.service",
    "openplc-compile.socket",
)
FILLER = f"{STATE}/filler"
COPY = "/root/state"


class Disk:
    def __init__(self, plant):
        self.plant, self.run = plant, plant.machine.run

    def attach(self):
        self.run("systemctl", "stop", *UNITS)
        self.run("cp", "--archive", STATE, COPY)
        self.run("mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "openplc-state", STATE)
        self.run("cp", "--archive", f"{COPY}/.", STATE)
        self.run("systemctl", "start", "openplc-api.socket")

    def detach(self):
        self.run("systemctl", "stop", *UNITS)
        self.run("umount", STATE)
        self.run("rm", "-r", COPY)
        self.run("systemctl", "start", "openplc-api.socket")

    @contextmanager
    def outage(self, kind):
        """`full` or `read-only`."""
        if kind == "full":
            done = self.run("sh", "-c", f"cat /dev/zero >{FILLER}", check=False)
            assert "No space left" in done.stderr, done
        else:
            self.remount("ro")
        try:
            yield
        finally:
            if kind == "full":
                self.run("rm", FILLER)
            else:
                self.remount("rw")

    def remount(self, access):
        """The kernel does it only while nobody has a file open for writing."""
        self.run("systemctl", "stop", *UNITS)
        self.run("mount", "-o", f"remount,{access}", STATE)
        self.run("systemctl", "start", "openplc-api.socket")
