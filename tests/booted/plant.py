"""The runtime as a user of Debian has it: installed from its package, enabled, with one account."""

import json
import socket

from harness.api import Api
from harness.debug_protocol import Debugger
from harness.runtime import PASSWORD
from harness.waiting import wait_until

from booted.machine import PACKAGE, Machine

UNITS = (
    *("openplc-api.socket", "openplc-discovery.socket", "openplc-core.socket", "openplc-compile.socket"),
    *("openplc-api.service", "openplc-core.service"),
)
STATE = "/var/lib/openplc-runtime"


def package():
    (found,) = PACKAGE.glob("openplc-runtime_*.deb")
    return found


class Plant:
    port = 8443
    # All that listens on the machine; 33333 is where Editors look for runtimes.
    listening = {("tcp", 8443), ("udp", 33333)}
    url = "https://127.0.0.1:8443"

    def __init__(self, machine: Machine):
        self.machine = machine

    def install(self, deb=None):
        deb = deb or package()
        inside = self.machine.path(f"/root/{deb.name}")
        inside.write_bytes(deb.read_bytes())
        # Everything that the package depends on is in the base; there is no network to get more.
        done = self.machine.run("apt-get", "install", "--yes", "--no-install-recommends", f"/root/{deb.name}")
        inside.unlink()
        return done.stdout + done.stderr

    def installed(self):
        query = ("dpkg-query", "--show", "--showformat=${db:Status-Status}", "openplc-runtime")
        return self.machine.run(*query, check=False).stdout == "installed"

    def purge(self):
        self.machine.run("dpkg", "--purge", "openplc-runtime")

    def enable(self):
        self.machine.run("systemctl", "enable", "--now", "openplc-api.socket")

    def found(self):
        """What an Editor learns that looks for runtimes in the network."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.sendto(b"OPENPLC_DISCOVER_V1", ("127.0.0.1", 33333))
            answer = json.loads(client.recv(2048))
        return {key: answer[key] for key in ("service", "api_port", "hostname")}

    def login(self, username="engineer"):
        """A client with a token; the first call makes the first user."""
        api = Api(self.port)
        if api.users_info().status == 404:
            assert api.create_user(username, PASSWORD).status == 201
        api.login(username, PASSWORD)
        return api

    def process(self, name):
        """The one that systemd started: builds and Python blocks have more below it."""
        return wait_until(lambda: self.started(name), f"a process {name}")[0]

    def started(self, name):
        return [p for p in self.machine.processes(name) if p.parent == self.machine.init]

    def debugger(self, editor, api, bundle):
        debugger = Debugger(editor.connect(self.url, api.token), bundle.variables)
        assert debugger.md5() == bundle.md5
        return debugger

    def status(self, unit="openplc-core.service"):
        """What it says of itself in `systemctl status`."""
        return self.machine.properties(unit, "StatusText")["StatusText"]
