"""`openplc-api` by itself on a state directory, without a scan engine."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
from pathlib import Path

from harness.api import Api
from harness.runtime import BINARIES
from harness.waiting import wait_until


class ApiProcess:
    """One process. `start` is how it is started, for example by a tracer."""

    def __init__(self, state: Path, run: Path, start=subprocess.Popen):
        run.mkdir(exist_ok=True)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.output = (run / "output").open("wb+")
        self.process = start(
            [BINARIES / "openplc-api", "--core-socket", run / "core", "--compile-socket", run / "compile",
             "--state-directory", state],
            env={"PATH": os.environ["PATH"], "LISTEN_FDS": "1"}, stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output, close_fds=False, preexec_fn=lambda: os.dup2(self.listener.fileno(), 3),
        )  # fmt: skip

    def wait_until_ready(self):
        def answers():
            assert self.process.poll() is None, f"openplc-api ended:\n{self.said()}"
            try:
                return self.api().get("/api/version", timeout=5)
            except (OSError, http.client.HTTPException):
                return None

        wait_until(answers, lambda: f"an answer of openplc-api:\n{self.said()}", 60)
        return self

    def said(self):
        self.output.seek(0)
        return self.output.read()[-4000:].decode(errors="replace")

    def api(self, token=None):
        return Api(self.port, token)

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port))

    def close(self):
        self.listener.close()
        self.output.close()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.close()
